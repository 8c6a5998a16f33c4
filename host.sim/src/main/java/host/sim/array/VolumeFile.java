package host.sim.array;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.host.HostFiles;

/**
 * The blocks of a logical volume, in a raw file or a block device of the machine below. It is opened when it is needed first, and
 * locked, so that no other process has it as a volume, unless all of them share it; a file that is not there reads as zeros and is made when it is first written
 * to. What fails is told in one line when it begins, and as sense data every time. Any thread.
 *
 * <p>LIMIT: a reservation of a shared file keeps away the reservations of other processes, not their reads and writes.
 */
final class VolumeFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeFile.class);
    /** How long a file that could not be opened is left alone. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** The byte that is locked by who has a shared file reserved; a lock on the others says that it is shared. */
    private static final long RESERVATION_BYTE = Long.MAX_VALUE - 1;
    private static final String DISK_FULL = "No space left on device";

    private final Path path;
    private final long bytes;
    private final boolean readOnly, shared, direct;
    private final Supplier<Optional<HostFiles>> files;
    private volatile Store store;
    /** Why it is not open; empty if it need not be, or is. */
    private volatile String trouble = "";
    private volatile String lastTold = "";
    private long failedAt;
    private boolean closed;
    /** Of {@link #RESERVATION_BYTE}; null if it is not reserved. */
    private FileLock reservation;

    /**
     * An open file.
     *
     * @param end bytes that are there, which may be less than the volume has
     * @param direct past the page cache; null if not wanted or not to be had
     */
    private record Store(FileChannel channel, FileLock lock, long end, boolean writable, HostFiles.HostFile direct) {}

    /**
     * @param bytes of the volume; 0 for as many as the file has, which must be there then
     * @param shared with other processes, which say so, too
     * @param direct past the page cache if the machine below can
     * @throws IOException in one line, if it has no size
     */
    VolumeFile(Path path, long bytes, boolean readOnly, boolean shared, boolean direct, Supplier<Optional<HostFiles>> files) throws IOException {
        this.path = path;
        this.readOnly = readOnly;
        this.shared = shared;
        this.direct = direct;
        this.files = files;
        this.bytes = bytes != 0 ? bytes : existing();
    }

    private long existing() throws IOException {
        if (Files.notExists(path)) throw new IOException("there is no file " + path + "; give the unit a size to have it made");
        if (Files.isDirectory(path)) throw new IOException(path + " is a folder; a file or a block device is needed");
        try {
            long size = Files.isRegularFile(path) ? Files.size(path) : deviceSize();
            if (size == 0) throw new IOException(path + " is empty; give the unit a size");
            return size;
        } catch (FileSystemException e) {
            throw new IOException(path + ": " + reason(e));
        }
    }

    private long deviceSize() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.size();
        }
    }

    long bytes() { return bytes; }

    /** Whether the volume can be used: opens the file if there is one. */
    boolean ready() { return open(false) != null || trouble.isEmpty(); }

    boolean writable() {
        if (readOnly) return false;
        Store open = open(false);
        return open == null || open.writable;
    }

    /** Fills the buffer from a place within the volume. @return null, or why not */
    Sense read(ByteBuffer to, long position) {
        Store from = open(false);
        if (from == null) return trouble.isEmpty() ? zeros(to) : Sense.NOT_READY;
        if (position + to.remaining() > from.end) return Sense.UNRECOVERED_READ;
        try {
            if (from.direct != null && aligned(from.direct, to, position)) {
                return from.direct.read(to, position) == to.capacity() ? null : Sense.UNRECOVERED_READ;
            }
            while (to.hasRemaining()) {
                int count = from.channel.read(to, position);
                if (count <= 0) return Sense.UNRECOVERED_READ; // shorter than it was when it was opened
                position += count;
            }
            return null;
        } catch (IOException e) {
            return failed("read", e, Sense.UNRECOVERED_READ);
        }
    }

    private static Sense zeros(ByteBuffer to) {
        while (to.remaining() >= 8) to.putLong(0);
        while (to.hasRemaining()) to.put((byte) 0);
        return null;
    }

    /** Writes the buffer to a place within the volume. */
    Sense write(ByteBuffer from, long position) {
        if (readOnly) return Sense.WRITE_PROTECTED;
        Store to = open(true);
        if (to == null) return Sense.NOT_READY;
        if (!to.writable) return Sense.WRITE_PROTECTED;
        // a longer file would have zeros where the missing part was
        if (position + from.remaining() > to.end) return Sense.WRITE_ERROR;
        try {
            if (to.direct != null && aligned(to.direct, from, position)) {
                to.direct.write(from, position);
                return null;
            }
            while (from.hasRemaining()) position += to.channel.write(from, position);
            return null;
        } catch (IOException e) {
            return failed("write", e, Sense.WRITE_ERROR);
        }
    }

    /** The system takes nothing past its page cache that is not aligned; both ways see the same blocks. */
    private static boolean aligned(HostFiles.HostFile file, ByteBuffer buffer, long position) {
        int mask = file.alignment() - 1;
        return mask <= 0 || ((position | buffer.remaining()) & mask) == 0 && buffer.alignmentOffset(0, mask + 1) == 0;
    }

    /** What was written is on stable storage; nothing was if it is not open. */
    Sense flush() {
        Store open = store;
        if (open == null || !open.writable) return null;
        try {
            if (open.direct != null) open.direct.flush();
            open.channel.force(false);
            return null;
        } catch (IOException e) {
            return failed("flush", e, Sense.WRITE_ERROR);
        }
    }

    /** Reserves it for this process; again does nothing. A file that is not shared is this process's own. @return false if another has it */
    synchronized boolean reserve() {
        Store open = shared ? open(true) : null;
        if (open == null || reservation != null) return true;
        try {
            reservation = open.channel.tryLock(RESERVATION_BYTE, 1, !open.writable);
            return reservation != null;
        } catch (IOException e) {
            tell("reservation: " + reason(e));
            return false;
        }
    }

    /** @return false if it was not reserved */
    synchronized boolean release() {
        if (reservation == null) return false;
        try {
            reservation.release();
        } catch (IOException e) {
            tell("reservation: " + reason(e));
        }
        reservation = null;
        return true;
    }

    private Sense failed(String what, IOException e, Sense otherwise) {
        tell(what + ": " + reason(e));
        String message = String.valueOf(e.getMessage());
        return message.contains(DISK_FULL) || message.contains("quota") ? Sense.NO_SPACE : otherwise;
    }

    /** Once for each kind of trouble. */
    private void tell(String what) {
        if (lastTold.equals(what)) return;
        lastTold = what;
        LOG.error("volume {}: {}", path, what);
    }

    /** @param make whether to make the file if it is not there @return null if it cannot be opened, or is not there */
    private Store open(boolean make) {
        Store open = store;
        return open != null ? open : openFirst(make);
    }

    private synchronized Store openFirst(boolean make) {
        if (store != null || closed) return store;
        if (!trouble.isEmpty() && System.nanoTime() - failedAt < RETRY_NANOS) return null;
        try {
            if (!make && blank()) {
                trouble = "";
                return null;
            }
            store = openNow();
            trouble = "";
        } catch (IOException e) {
            trouble = reason(e);
            failedAt = System.nanoTime();
            tell(trouble);
        }
        return store;
    }

    /** Not there, or not yet given its size. */
    private boolean blank() throws IOException {
        return Files.notExists(path) || Files.isRegularFile(path) && Files.size(path) == 0;
    }

    /** The lock is the last thing: the system takes it away when any descriptor of the file is closed. */
    private Store openNow() throws IOException {
        if (Files.isDirectory(path)) throw new IOException("is a folder; a file or a block device is needed");
        boolean writable = !readOnly && (Files.notExists(path) || Files.isWritable(path));
        boolean fresh = writable && blank();
        if (fresh && path.getParent() != null) Files.createDirectories(path.getParent());
        RandomAccessFile file = new RandomAccessFile(path.toFile(), writable ? "rw" : "r");
        HostFiles.HostFile past = null;
        try {
            FileChannel channel = file.getChannel();
            if (direct) past = direct(writable);
            FileLock lock = lock(channel, writable);
            if (fresh && channel.size() == 0) file.setLength(bytes);
            long end = Math.min(channel.size(), bytes);
            if (end < bytes) tell("truncated: it has " + end + " of " + bytes + " bytes; what is beyond cannot be read or written");
            return new Store(channel, lock, end, writable, past);
        } catch (IOException e) {
            if (past != null) past.close();
            file.close();
            throw e;
        }
    }

    private FileLock lock(FileChannel channel, boolean writable) throws IOException {
        try {
            FileLock lock = channel.tryLock(0, shared ? RESERVATION_BYTE : Long.MAX_VALUE, shared || !writable);
            if (lock != null) return lock;
        } catch (OverlappingFileLockException e) {
            throw new IOException("in use by another unit of this host");
        }
        throw new IOException("in use by another process");
    }

    private HostFiles.HostFile direct(boolean writable) throws IOException {
        Optional<HostFiles> host = files.get();
        if (host.isEmpty()) {
            tell("the page cache is used, as host.linux, which goes past it, is not there");
            return null;
        }
        return host.get().open(path, writable);
    }

    private String reason(IOException e) {
        if (e instanceof AccessDeniedException) return "permission denied";
        if (e instanceof FileSystemException system && system.getReason() != null) return system.getReason();
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    @Override
    public synchronized void close() {
        closed = true;
        Store open = store;
        store = null;
        trouble = "closed";
        if (open == null) return;
        try {
            if (open.direct != null) open.direct.close();
            open.channel.close();
        } catch (IOException e) {
            LOG.error("volume {}: close: {}", path, reason(e));
        }
    }
}
