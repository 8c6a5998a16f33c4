package host.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.FrameSink;

/**
 * One tap interface [Linux] networking/tuntap: an Ethernet card of the machine below whose wire is a file. A thread waits for
 * frames and hands over as many as there are; frames are written as they come.
 */
final class TapInterface implements HostNetwork.Interface {
    private static final Logger LOG = LoggerFactory.getLogger(TapInterface.class);

    private static final String DEVICE = "/dev/net/tun";
    private static final long TUNSETIFF = 0x400454CAL, TUNGETIFF = 0x800454D2L, SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914;
    private static final int IFF_TAP = 0x0002, IFF_NO_PI = 0x1000; // of TUNSETIFF
    private static final int IFF_UP = 0x1, IFF_RUNNING = 0x40; // of an interface
    private static final int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000, EFD_CLOEXEC = 0x80000;
    private static final int IFREQ = 40, IFREQ_FLAGS = 16, NAME_BYTES = 16; // struct ifreq: name, then a union
    private static final int POLLFD = 8, POLLFD_EVENTS = 4;
    private static final int MOST_FRAME = 65536, BATCH = 64;
    private static final long PAUSE_NANOS = 100_000_000, CLOSE_MILLIS = 2000;

    private final String name;
    private final FrameSink sink;
    private final Consumer<TapInterface> forget;
    private final int fd, socket, wake;
    /** Memory for native calls: of senders, of the reader, of questions. */
    private final long sendBuffer = HostMemory.allocate(MOST_FRAME), readBuffer = HostMemory.allocate(MOST_FRAME), question = HostMemory.allocate(IFREQ);
    /** Who calls with one of the descriptors holds the lock of its memory, or is the reader; so nobody uses them after they were closed. */
    private final ReentrantLock sending = new ReentrantLock(), asking = new ReentrantLock();
    private final Thread reader;
    private volatile boolean closed;
    /** Guarded by this. */
    private boolean released;

    private TapInterface(String name, FrameSink sink, Consumer<TapInterface> forget, int fd, int socket, int wake) {
        this.name = name;
        this.sink = sink;
        this.forget = forget;
        this.fd = fd;
        this.socket = socket;
        this.wake = wake;
        reader = new Thread(this::read, "tap " + name);
        reader.setDaemon(true);
    }

    /** Opens it, up if that may be done. @param forget told when it is closed; @throws IOException in one line */
    static TapInterface open(String name, FrameSink sink, Consumer<TapInterface> forget) throws IOException {
        check(name);
        int fd = Libc.open(Libc.path(DEVICE), Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        if (fd < 0) throw new IOException("tap " + name + ": " + noDevice(Libc.errno()));
        int socket = -1, wake = -1;
        try {
            claim(fd, name);
            socket = Libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            if (socket < 0) throw new IOException("tap " + name + ": no socket for its state: " + Libc.reason(Libc.errno()));
            wake = Libc.eventfd(0, EFD_CLOEXEC);
            if (wake < 0) throw new IOException("tap " + name + ": no event for its thread: " + Libc.reason(Libc.errno()));
            TapInterface tap = new TapInterface(name, sink, forget, fd, socket, wake);
            tap.bringUp();
            return tap;
        } catch (IOException e) {
            Libc.close(fd);
            if (socket >= 0) Libc.close(socket);
            throw e;
        }
    }

    private static void check(String name) throws IOException {
        if (name.isEmpty() || name.length() >= NAME_BYTES || !name.matches("[!-~&&[^/:%]]+") || name.matches("\\.\\.?")) {
            throw new IOException("tap \"" + name + "\": a name has 1 to 15 letters, digits or signs other than / : %");
        }
    }

    private static String noDevice(int errno) {
        return switch (errno) {
            case Libc.ENOENT -> "there is no " + DEVICE + ": load the module (modprobe tun), or make it (mknod " + DEVICE + " c 10 200)";
            case Libc.ENODEV -> DEVICE + " is there, but the kernel has no tun driver: load the module (modprobe tun)";
            case Libc.EACCES, Libc.EPERM -> DEVICE + " may not be opened: run as root, or give this user access to it";
            default -> DEVICE + ": " + Libc.reason(errno);
        };
    }

    private static void claim(int fd, String name) throws IOException {
        long request = HostMemory.allocate(IFREQ);
        try {
            name(request, name);
            HostMemory.putShort(request + IFREQ_FLAGS, (short) (IFF_TAP | IFF_NO_PI));
            if (Libc.ioctl(fd, TUNSETIFF, request) < 0) throw new IOException("tap " + name + ": " + refused(name, Libc.errno()));
        } finally {
            HostMemory.free(request);
        }
    }

    private static String refused(String name, int errno) {
        return switch (errno) {
            case Libc.EPERM -> "this process may not open it: it needs root or CAP_NET_ADMIN, or an interface made for its user by root with: "
                + "ip tuntap add dev " + name + " mode tap user " + System.getProperty("user.name");
            case Libc.EBUSY -> "it is in use by another process";
            case Libc.EINVAL -> "there is an interface of this name that is no tap: choose another name";
            default -> Libc.reason(errno);
        };
    }

    private static void name(long request, String name) {
        HostMemory.fill(request, IFREQ, (byte) 0);
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        HostMemory.write(request, bytes, 0, bytes.length);
    }

    /** Whoever made the interface beforehand may not have left us the right; then it is that user's to bring up. */
    private void bringUp() {
        int flags = flags();
        if ((flags & IFF_UP) != 0) return;
        HostMemory.putShort(question + IFREQ_FLAGS, (short) (flags | IFF_UP));
        if (Libc.ioctl(socket, SIOCSIFFLAGS, question) < 0) LOG.info("tap {} is down: bring it up with: ip link set {} up", name, name);
    }

    /** Flags of the interface; 0 if it is gone. One that was moved to another network namespace cannot be asked and is taken to be up. */
    private int flags() {
        name(question, name);
        if (Libc.ioctl(socket, SIOCGIFFLAGS, question) >= 0) return HostMemory.getShort(question + IFREQ_FLAGS) & 0xFFFF;
        return Libc.errno() == Libc.ENODEV && Libc.ioctl(fd, TUNGETIFF, question) >= 0 ? IFF_UP | IFF_RUNNING : 0;
    }

    /** Lets frames come. */
    void start() { reader.start(); }

    @Override public String name() { return name; }

    @Override
    public boolean up() {
        asking.lock();
        try {
            int both = IFF_UP | IFF_RUNNING;
            return !closed && (flags() & both) == both;
        } finally {
            asking.unlock();
        }
    }

    @Override
    public int send(List<byte[]> frames) {
        sending.lock();
        try {
            if (closed) return 0;
            int taken = 0;
            for (byte[] frame : frames) {
                if (frame.length > MOST_FRAME) continue;
                HostMemory.write(sendBuffer, frame, 0, frame.length);
                if (Libc.write(fd, sendBuffer, frame.length) == frame.length) taken++; else if (Libc.errno() == Libc.EAGAIN) break;
            }
            return taken;
        } finally {
            sending.unlock();
        }
    }

    private void read() {
        long entries = HostMemory.allocate(2 * POLLFD);
        HostMemory.putLong(entries, fd | (long) Libc.POLLIN << 8 * POLLFD_EVENTS);
        HostMemory.putLong(entries + POLLFD, wake | (long) Libc.POLLIN << 8 * POLLFD_EVENTS);
        try {
            while (!closed) {
                List<byte[]> frames = new ArrayList<>();
                boolean fine = take(frames);
                if (!frames.isEmpty()) sink.frames(frames);
                else if (fine) Libc.poll(entries, 2, -1);
                else LockSupport.parkNanos(PAUSE_NANOS); // down or gone: until it is up or closed
            }
        } catch (RuntimeException | LinkageError e) {
            LOG.error("tap {}: no more frames come, as who took them failed", name, e);
        } finally {
            HostMemory.free(entries);
            if (closed) release();
        }
    }

    /** Takes frames that are there, some at a time. @return false if the interface gives an error */
    private boolean take(List<byte[]> frames) {
        while (frames.size() < BATCH) {
            long length = Libc.read(fd, readBuffer, MOST_FRAME);
            if (length < 0) {
                int errno = Libc.errno();
                return errno == Libc.EAGAIN || errno == Libc.EINTR;
            }
            byte[] frame = new byte[(int) length];
            HostMemory.read(readBuffer, frame, 0, frame.length);
            frames.add(frame);
        }
        return true;
    }

    @Override
    public void close() {
        sending.lock();
        asking.lock();
        try {
            if (closed) return;
            closed = true;
        } finally {
            asking.unlock();
            sending.unlock();
        }
        stopReader();
        if (!reader.isAlive()) release(); // else it does so itself
        forget.accept(this);
    }

    private synchronized void release() {
        if (released) return;
        released = true;
        Libc.close(fd);
        Libc.close(socket);
        Libc.close(wake);
        HostMemory.free(sendBuffer);
        HostMemory.free(readBuffer);
        HostMemory.free(question);
    }

    private void stopReader() {
        long one = HostMemory.allocate(8);
        HostMemory.putLong(one, 1);
        Libc.write(wake, one, 8);
        HostMemory.free(one);
        if (reader == Thread.currentThread()) return;
        LockSupport.unpark(reader);
        try {
            reader.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (reader.isAlive()) LOG.warn("tap {}: who takes its frames keeps its thread; it ends when that is done", name);
    }
}
