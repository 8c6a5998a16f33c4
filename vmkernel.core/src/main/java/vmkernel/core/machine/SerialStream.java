package vmkernel.core.machine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import vmkernel.api.device.ByteStream;
import vmkernel.api.vm.Console;

/**
 * A character stream of a VM, with the device at one end and people at the other; it outlives both. The last 64 KB of output
 * are kept. Each attached output has a thread and its own place in them; the device is refused bytes while the slowest is a
 * whole buffer behind. Input waits in a small queue until the device takes it.
 *
 * <p>Locks: device before stream; listeners of the device are called under the device lock only.
 */
final class SerialStream implements ByteStream, Console {
    /** Bytes of output that are kept. */
    static final int KEPT = 1 << 16;
    /** Bytes of input that wait for the device. */
    static final int QUEUED = 4096;

    private final DeviceLock device;
    private final ThreadFactory threads;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition output = lock.newCondition();
    private final Condition delivered = lock.newCondition();
    private final Condition room = lock.newCondition();

    private final byte[] kept = new byte[KEPT];
    /** Bytes of output ever written. */
    private long written;
    private final List<Attached> attached = new ArrayList<>();
    /** The device was refused a byte and waits for {@code writable}. */
    private boolean refused;

    private final byte[] queue = new byte[QUEUED];
    private long queued;
    private long taken;
    private boolean on;

    private Runnable readable;
    private Runnable writable;

    SerialStream(DeviceLock device, ThreadFactory threads) {
        this.device = device;
        this.threads = threads;
    }

    // The device's end, under the device lock.

    @Override
    public boolean write(int value) {
        lock.lock();
        try {
            for (int i = 0; i < attached.size(); i++) {
                if (written - attached.get(i).next >= KEPT) {
                    refused = true;
                    return false;
                }
            }
            kept[(int) written++ & KEPT - 1] = (byte) value;
            if (!attached.isEmpty()) output.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int read() {
        lock.lock();
        try {
            if (taken == queued) return -1;
            int value = queue[(int) taken++ & QUEUED - 1] & 0xFF;
            room.signalAll();
            return value;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean available() {
        lock.lock();
        try {
            return taken != queued;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void listener(Runnable readable, Runnable writable) {
        this.readable = readable;
        this.writable = writable;
    }

    /** The machine goes on, or off: input that it did not take is gone then, and no one waits for it any longer. */
    void power(boolean on) {
        lock.lock();
        try {
            this.on = on;
            if (!on) {
                taken = queued;
                refused = false;
            }
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Tells a new listener what the one before was told or would have been. Under the device lock. */
    void tellAgain() {
        if (readable != null && available()) readable.run();
        if (writable != null) writable.run();
    }

    /** Under no lock: calls a listener of the device. */
    private void tellDevice(boolean input) {
        device.enter();
        try {
            Runnable listener = input ? readable : writable;
            if (listener != null) listener.run();
        } finally {
            device.leave();
        }
    }

    // The users' end.

    @Override
    public void send(byte[] bytes, int offset, int length) throws InterruptedException {
        java.util.Objects.checkFromIndexSize(offset, length, bytes.length);
        while (length > 0) {
            int part;
            lock.lockInterruptibly();
            try {
                while (on && queued - taken == QUEUED) room.await();
                part = (int) Math.min(length, QUEUED - (queued - taken));
                if (part == 0) return; // off, and nobody will take it
                for (int i = 0; i < part; i++) queue[(int) queued++ & QUEUED - 1] = bytes[offset + i];
            } finally {
                lock.unlock();
            }
            offset += part;
            length -= part;
            tellDevice(true);
        }
    }

    @Override
    public AutoCloseable attach(Output output) {
        Attached reader = new Attached(output);
        lock.lock();
        try {
            reader.next = Math.max(0, written - KEPT);
            reader.done = reader.next;
            attached.add(reader);
        } finally {
            lock.unlock();
        }
        threads.newThread(reader).start();
        return reader;
    }

    @Override
    public void flush() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long end = written;
            while (attached.stream().anyMatch(reader -> reader.done < end)) delivered.await();
        } finally {
            lock.unlock();
        }
    }

    /** Someone who gets the output, on a thread of its own. */
    private final class Attached implements Runnable, AutoCloseable {
        private final Output to;
        /** Count of bytes taken from the buffer, and of those that {@link #to} has taken. Under the stream's lock. */
        private long next;
        private long done;

        private Attached(Output to) { this.to = to; }

        @Override
        public void run() {
            byte[] bytes = new byte[4096];
            try {
                for (int length; (length = take(bytes)) > 0; ) to.write(bytes, 0, length);
            } catch (IOException | RuntimeException e) {
                // whoever it is has gone; so does the attachment
            } finally {
                close();
            }
        }

        /** The next bytes; waits for some. 0 when detached. */
        private int take(byte[] bytes) {
            boolean tell;
            int length;
            lock.lock();
            try {
                done = next;
                delivered.signalAll();
                while (next == written && attached.contains(this)) output.awaitUninterruptibly();
                if (!attached.contains(this)) return 0;
                length = (int) Math.min(bytes.length, written - next);
                for (int i = 0; i < length; i++) bytes[i] = kept[(int) next++ & KEPT - 1];
                tell = roomAgain();
            } finally {
                lock.unlock();
            }
            if (tell) tellDevice(false);
            return length;
        }

        @Override
        public void close() {
            boolean tell;
            lock.lock();
            try {
                if (!attached.remove(this)) return;
                output.signalAll();
                delivered.signalAll();
                tell = roomAgain();
            } finally {
                lock.unlock();
            }
            if (tell) tellDevice(false);
        }
    }

    /** Under the lock: true once, when the device was refused a byte and there is room again. */
    private boolean roomAgain() {
        if (!refused) return false;
        for (Attached reader : attached) if (written - reader.next >= KEPT) return false;
        refused = false;
        return true;
    }
}
