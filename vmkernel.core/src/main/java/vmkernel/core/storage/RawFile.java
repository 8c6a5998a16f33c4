package vmkernel.core.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.handover.SavedState;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;

/**
 * A file, or a block device of the host, as an adapter with one unit: blocks of 512 bytes at their place in the file. It is locked
 * while it is open, against other processes and other users in this one: alone for who writes, together for who reads.
 *
 * <p>LIMIT: the lock is the process's own [Linux] fcntl(2); a program that takes no locks does not heed it, and it is lost
 * when any other part of this process opens the same file and closes it.
 */
final class RawFile implements BlockAdapter {
    static final int BLOCK = 512;
    private static final Logger LOG = LoggerFactory.getLogger(RawFile.class);
    private static final int DEPTH = 32, MAX_BYTES = 1 << 20;
    /** What images that are not raw begin with. */
    private static final Map<String, String> FORMATS = Map.of("KDMV", "VMDK", "COWD", "VMDK", "# Disk DescriptorFile", "VMDK", "QFI\u00fb", "QCOW2", "conectix", "VHD",
        "vhdxfile", "VHDX");

    private final Path path;
    private final FileChannel channel;
    private final boolean regular;
    private final LogicalUnit unit;
    private final IoThreads threads;
    /** Requests that threads have. */
    private int active;
    private boolean closed;
    /** Data that was written may not have become stable, and the host forgets that it said so: no FLUSH is good from then on. */
    private volatile boolean unstable;
    private long reads, writes, flushes, errors;

    private RawFile(Path path, FileChannel channel, boolean regular, LogicalUnit unit, IoThreads threads) {
        this.path = path;
        this.channel = channel;
        this.regular = regular;
        this.unit = unit;
        this.threads = threads;
    }

    /**
     * Opens a file.
     *
     * @param writing whether it is to be written; a file that is write-protected is opened for reading all the same
     * @throws IOException in one line: file, what is wrong, what to do
     */
    static RawFile open(Path path, boolean writing, IoThreads threads) throws IOException {
        if (Files.isDirectory(path)) throw new IOException(path + ": is a directory; a file or a block device is needed");
        boolean regular = Files.isRegularFile(path);
        boolean write = writing && writable(path);
        FileChannel channel = channel(path, write);
        try {
            long bytes = channel.size();
            if (bytes == 0) throw new IOException(path + ": is empty; make a disk with: truncate -s 4G " + path);
            if (bytes % BLOCK != 0) throw new IOException(path + ": has " + bytes + " bytes, not a multiple of 512; is it a raw disk image?");
            requireRaw(path, channel);
            if (write && !regular) requireUnmounted(path);
            lock(path, channel, write);
            return new RawFile(path, channel, regular, new LogicalUnit(0, 0, bytes / BLOCK, BLOCK, !write, "VMware", "Raw file", "1.0"), threads);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** A file whose size is not its own, unlocked: for tests. */
    static RawFile over(Path path, long blocks, IoThreads threads) throws IOException {
        return new RawFile(path, channel(path, true), false, new LogicalUnit(0, 0, blocks, BLOCK, false, "VMware", "Raw file", "1.0"), threads);
    }

    /** The permissions count for the superuser, too, who could write all the same. */
    private static boolean writable(Path path) throws IOException {
        if (!Files.exists(path)) return true; // told when it is opened
        if (!Files.isWritable(path)) return false;
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
        return permissions.contains(PosixFilePermission.OWNER_WRITE) || permissions.contains(PosixFilePermission.GROUP_WRITE)
            || permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }

    private static FileChannel channel(Path path, boolean write) throws IOException {
        Set<OpenOption> options = write ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE) : Set.of(StandardOpenOption.READ);
        try {
            return FileChannel.open(path, options);
        } catch (NoSuchFileException e) {
            throw new IOException(path + ": no such file", e);
        } catch (AccessDeniedException e) {
            throw new IOException(path + ": may not be opened for " + (write ? "writing" : "reading") + "; check its permissions and those of its folders", e);
        } catch (FileSystemException e) {
            throw new IOException(path + ": cannot be opened: " + e.getReason(), e);
        }
    }

    /** A disk image of another kind would be destroyed by its first writer. */
    private static void requireRaw(Path path, FileChannel channel) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(BLOCK);
        channel.read(head, 0);
        String text = new String(head.array(), StandardCharsets.ISO_8859_1);
        for (Map.Entry<String, String> format : FORMATS.entrySet()) {
            if (!text.startsWith(format.getKey())) continue;
            String way = format.getValue().equals("VMDK") ? "give it a name that ends with .vmdk" : "raw ones and VMDK can be used: qemu-img convert -O raw " + path.getFileName() + " disk.img";
            throw new IOException(path + ": is a " + format.getValue() + " image; " + way);
        }
    }

    private static void requireUnmounted(Path path) throws IOException {
        Path mounts = Path.of("/proc/self/mounts");
        if (!Files.isReadable(mounts)) return;
        for (String line : Files.readAllLines(mounts)) {
            String[] fields = line.split(" ");
            if (fields.length < 2 || !fields[0].startsWith("/") || !Files.exists(Path.of(fields[0])) || !Files.isSameFile(Path.of(fields[0]), path)) continue;
            throw new IOException(path + ": is mounted on " + fields[1] + "; unmount it first");
        }
    }

    private static void lock(Path path, FileChannel channel, boolean write) throws IOException {
        try {
            FileLock lock = channel.tryLock(0, Long.MAX_VALUE, !write);
            if (lock == null) throw new IOException(path + ": is in use by another process");
        } catch (OverlappingFileLockException e) {
            throw new IOException(path + ": is in use already in this process", e);
        }
    }

    /** What tells this file from others, whatever path leads to it. */
    static Object identity(Path path) throws IOException {
        try {
            Object key = Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class).fileKey();
            return key != null ? key : path.toRealPath();
        } catch (NoSuchFileException e) {
            throw new IOException(path + ": " + (Files.exists(path, LinkOption.NOFOLLOW_LINKS) ? "leads to a file that does not exist" : "no such file"), e);
        }
    }

    boolean writing() { return !unit.readOnly(); }

    @Override public List<LogicalUnit> units() { return List.of(unit); }
    @Override public int queueDepth() { return DEPTH; }
    @Override public int maxBytes() { return MAX_BYTES; }

    @Override
    public void submit(BlockRequest request) {
        synchronized (this) {
            if (closed) {
                request.giveBack();
                return;
            }
            active++;
        }
        threads.execute(buffer -> serve(request, buffer));
    }

    private void serve(BlockRequest request, ByteBuffer buffer) {
        BlockResult result;
        try {
            result = done(request, buffer);
        } catch (IOException | RuntimeException e) {
            result = failed(request, e);
        }
        count(request.operation(), result);
        request.complete(result);
    }

    private synchronized void count(BlockOperation operation, BlockResult result) {
        switch (operation) {
            case READ -> reads++;
            case WRITE -> writes++;
            case FLUSH -> flushes++;
            case RESERVE, RELEASE -> { }
        }
        if (!result.good()) errors++;
        if (--active == 0) notifyAll();
    }

    private BlockResult done(BlockRequest request, ByteBuffer buffer) throws IOException {
        return switch (request.operation()) {
            case READ, WRITE -> transferred(request, buffer);
            case FLUSH -> flushed();
            case RESERVE, RELEASE -> BlockResult.GOOD; // the file is this host's own as long as it is open
        };
    }

    private BlockResult flushed() throws IOException {
        if (unstable) return BlockResult.WRITE_ERROR;
        channel.force(false);
        return BlockResult.GOOD;
    }

    private BlockResult transferred(BlockRequest request, ByteBuffer buffer) throws IOException {
        long place = request.block() * BLOCK;
        int bytes = request.blocks() * BLOCK;
        // a write behind the end of a file that was cut would make a hole, which reads as zeros: lost data that nobody is told of
        if (request.operation() == BlockOperation.WRITE && regular && channel.size() < place + bytes) return cut(request);
        for (int done = 0, part; done < bytes; done += part) {
            part = Math.min(buffer.capacity(), bytes - done);
            buffer.limit(part).position(0);
            boolean good = request.operation() == BlockOperation.READ ? read(request, buffer, place, done) : write(request, buffer, place, done);
            if (!good) return request.operation() == BlockOperation.READ ? cut(request) : BlockResult.GONE;
        }
        return BlockResult.GOOD;
    }

    private boolean read(BlockRequest request, ByteBuffer buffer, long place, int done) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, place + done + buffer.position()) < 0) return false;
        }
        request.data().copyFrom(done, HostMemory.addressOf(buffer), buffer.limit());
        return true;
    }

    private boolean write(BlockRequest request, ByteBuffer buffer, long place, int done) throws IOException {
        request.data().copyTo(done, HostMemory.addressOf(buffer), buffer.limit());
        // looked at after the copy: the memory may have been taken away before
        if (request instanceof Piece piece && piece.withdrawn()) return false;
        while (buffer.hasRemaining()) channel.write(buffer, place + done + buffer.position());
        return true;
    }

    private BlockResult cut(BlockRequest request) {
        LOG.error("{}: ends before block {}; it was cut while in use", path, request.block() + request.blocks());
        return request.operation() == BlockOperation.READ ? BlockResult.READ_ERROR : BlockResult.WRITE_ERROR;
    }

    private BlockResult failed(BlockRequest request, Exception e) {
        LOG.error("{}: {} at block {}: {}", path, request.operation().name().toLowerCase(java.util.Locale.ROOT), request.block(), e.getMessage() == null ? e.toString() : e.getMessage());
        if (request.operation() == BlockOperation.READ) return BlockResult.READ_ERROR;
        if (request.operation() == BlockOperation.FLUSH) unstable = true;
        return full(e) ? BlockResult.NO_SPACE : BlockResult.WRITE_ERROR;
    }

    /** Java has only the host's text for it, in the host's language. */
    private boolean full(Exception e) {
        if (String.valueOf(e.getMessage()).contains("No space left") || String.valueOf(e.getMessage()).contains("quota")) return true;
        try {
            return regular && Files.getFileStore(path.toAbsolutePath().getParent()).getUsableSpace() < MAX_BYTES; // the file itself may have no name
        } catch (IOException | RuntimeException unknown) {
            return false;
        }
    }

    @Override
    public synchronized Map<String, Long> statistics() {
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put("reads", reads);
        counters.put("writes", writes);
        counters.put("flushes", flushes);
        counters.put("errors", errors);
        return counters;
    }

    @Override
    public synchronized void quiesce(Duration limit) throws TimeoutException {
        closed = true;
        long end = System.nanoTime() + limit.toNanos();
        try {
            for (long left; active > 0; wait(left / 1_000_000 + 1)) {
                left = end - System.nanoTime();
                if (left <= 0) throw new TimeoutException(path + ": " + active + " requests are not done");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException(path + ": interrupted");
        }
    }

    @Override public SavedState save() { return SavedState.none("vmkernel.core/file"); }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        try {
            channel.close();
        } catch (IOException e) {
            LOG.warn("{}: {}", path, e.getMessage());
        }
    }
}
