package host.linux;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.IOException;

/**
 * The C library, mapped directly; names and arguments are its own. Addresses are those of {@link vmkernel.api.memory.HostMemory}.
 * Calls give -1 and leave the reason in {@link Native#getLastError} of the thread. Any thread.
 *
 * <p>LIMIT: 64-bit Linux, where an address is a {@code long} and a function with variable arguments is called like any other.
 */
final class Libc {
    static final int EPERM = 1, ENOENT = 2, EINTR = 4, EAGAIN = 11, EACCES = 13, EBUSY = 16, ENODEV = 19, EINVAL = 22, EROFS = 30;
    static final int O_RDONLY = 0, O_RDWR = 2, O_EXCL = 0x80, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    static final int O_DIRECT = System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;
    static final int F_SETFL = 4;
    static final int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;
    static final int POLLIN = 1;
    static final int AT_EMPTY_PATH = 0x1000, STATX_DIOALIGN = 0x2000;
    static final int STATX_BYTES = 256, STATX_DIO_MEM_ALIGN = 0x98, STATX_DIO_OFFSET_ALIGN = 0x9C; // of struct statx, whose first word tells what is in it

    /** Guarded by this class. */
    private static boolean mapped;

    private Libc() {}

    /** Before anything else is called; as often as one likes. @throws IOException in one line if JNA or the library cannot be had */
    static synchronized void load() throws IOException {
        if (mapped) return;
        try {
            Native.register(Libc.class, NativeLibrary.getInstance("c"));
            // JNA keeps the options of a class as long as the class lives, and the class in its options: it would never be unloaded
            Native.getLibraryOptions(Libc.class).clear();
            mapped = true;
        } catch (LinkageError e) {
            throw new IOException("JNA's native library cannot be loaded (" + firstLine(e) + "): is java.io.tmpdir on a file system without exec?", e);
        }
    }

    /** When nothing will be called any more: JNA holds on to a class until its mapping is taken back. */
    static synchronized void unload() {
        if (mapped) Native.unregister(Libc.class);
        mapped = false;
    }

    private static String firstLine(LinkageError e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    }

    /** Why the last call of this thread failed. */
    static int errno() { return Native.getLastError(); }

    /** What the C library says about it. */
    static String reason(int errno) {
        String text = strerror(errno);
        return text.isEmpty() ? "error " + errno : Character.toLowerCase(text.charAt(0)) + text.substring(1);
    }

    static native int getpid();

    private static native String strerror(int errno);

    /** The path ends with a zero byte. */
    static native int open(byte[] path, int flags);

    static native int close(int fd);

    static native long read(int fd, long address, long count);

    static native long write(int fd, long address, long count);

    static native long pread(int fd, long address, long count, long position);

    static native long pwrite(int fd, long address, long count, long position);

    static native int fdatasync(int fd);

    static native long lseek(int fd, long offset, int whence);

    static native int flock(int fd, int operation);

    static native int fcntl(int fd, int command, long argument);

    static native int statx(int directory, byte[] path, int flags, int mask, long answer);

    static native int ioctl(int fd, long request, long argument);

    static native int poll(long entries, long count, int timeoutMillis);

    static native int eventfd(int value, int flags);

    static native int socket(int domain, int type, int protocol);

    static native int isatty(int fd);

    static native int tcgetattr(int fd, long termios);

    static native int tcsetattr(int fd, int when, long termios);

    static native void cfmakeraw(long termios);

    /** A path as {@link #open} takes it. */
    static byte[] path(String path) { return (path + "\0").getBytes(java.nio.charset.StandardCharsets.UTF_8); }
}
