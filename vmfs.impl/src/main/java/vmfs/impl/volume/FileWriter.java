package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.StampedLock;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

/**
 * Writes a file that this host has locked. What is within blocks that are there goes straight to the device; what makes the file grow, or fills
 * holes, is collected as long as it is in one run, so that many small pieces are one change of metadata. Any thread.
 */
final class FileWriter {
    private static final int FIRST_BYTES = 4096, MAX_BYTES = 4 << 20;

    private final Writing volume;
    private final VolumeWriter changes;
    private final OpenFile file;
    private final String path;
    /** Collected bytes, and where they belong. Guarded by this. */
    private byte[] collected = new byte[0];
    private int count;
    private volatile long start = Long.MAX_VALUE;
    private volatile long collectedEnd;

    FileWriter(Writing volume, VolumeWriter changes, OpenFile file, String path) {
        this.volume = volume;
        this.changes = changes;
        this.file = file;
        this.path = path;
    }

    /** Of the file, with what is collected. */
    long length() { return Math.max(collectedEnd, file.version().length()); }

    /** Whether bytes before a position may be collected still. */
    boolean collectedBefore(long position) { return start < position; }

    void write(long position, ByteBuffer from) throws IOException {
        if (position < 0 || position > Long.MAX_VALUE - from.remaining()) throw new IllegalArgumentException("position " + position);
        while (from.hasRemaining()) {
            int part = Math.min(from.remaining(), MAX_BYTES);
            ByteBuffer piece = from.slice(from.position(), part);
            if (!inPlace(position, piece)) collect(position, piece);
            from.position(from.position() + part);
            position += part;
        }
    }

    /** Writes where all blocks are there. @return false if they are not */
    private boolean inPlace(long position, ByteBuffer from) throws IOException {
        if (overlaps(position, position + from.remaining())) return false;
        long stamp = file.requests().tryReadLock();
        if (stamp == 0) return false;
        try {
            OpenFile.Version now = file.version();
            long end = position + from.remaining();
            if (end > now.length() || !overwritable(now, position, end)) return false;
            for (long here = position, stop; here < end; here = stop) {
                stop = now.blocks().together(here, end);
                volume.sectors().write(now.blocks().at(here), from.slice((int) (here - position), (int) (stop - here)));
            }
            return true;
        } finally {
            file.requests().unlockRead(stamp);
        }
    }

    private synchronized boolean overlaps(long position, long end) { return count > 0 && position < start + count && end > start; }

    /** Whether the file has plain blocks of its own for a range. */
    boolean overwritable(OpenFile.Version now, long position, long end) throws IOException {
        int form = now.blocks().form();
        if (form == FileDescriptor.SUB_BLOCKS || form == FileDescriptor.CONTENT) return false;
        long per = now.blocks().blockBytes();
        for (long block = position / per; block * per < end; block++) {
            long address = now.blocks().address(block);
            if (address == Address.HOLE || Address.copyOnWrite(address) || Address.toBeZeroed(volume.geometry().generation(), address)) return false;
        }
        return true;
    }

    private synchronized void collect(long position, ByteBuffer from) throws IOException {
        int bytes = from.remaining();
        if (count > 0 && (position != start + count || count + bytes > MAX_BYTES)) spill();
        if (bytes >= MAX_BYTES) {
            put(position, from);
            return;
        }
        if (count + bytes > collected.length) collected = Arrays.copyOf(collected, (int) Math.min(MAX_BYTES, Math.max(FIRST_BYTES, 2L * (count + bytes))));
        if (count == 0) start = position;
        from.get(collected, count, bytes);
        count += bytes;
        collectedEnd = start + count;
        if (count == MAX_BYTES) spill();
    }

    /** What is collected becomes part of the file. */
    synchronized void spill() throws IOException {
        if (count == 0) return;
        long position = start;
        ByteBuffer bytes = ByteBuffer.wrap(collected, 0, count);
        // what fails once is not tried again by everything that comes after
        count = 0;
        start = Long.MAX_VALUE;
        try {
            put(position, bytes);
        } finally {
            collectedEnd = 0;
        }
    }

    /** Content that moves into file blocks gives back where it was: nobody reads there meanwhile. */
    private void put(long position, ByteBuffer bytes) throws IOException {
        Work write = () -> edit(editor -> editor.write(position, bytes.duplicate()));
        if (file.version().blocks().form() == FileDescriptor.SUB_BLOCKS) alone(write); else write.run();
    }

    private void edit(VolumeWriter.Edit edit) throws IOException {
        FileDescriptor after = changes.edit(path, file.address(), file.generation(), edit);
        file.changed(after, changes.epoch());
    }

    /** Spills what is collected and gives up the lock, in one change. @param writable false if the volume cannot be written any more */
    synchronized void close(boolean writable) throws IOException {
        ByteBuffer bytes = count == 0 ? null : ByteBuffer.wrap(collected, 0, count);
        long position = start;
        count = 0;
        if (!writable && bytes != null) throw new FileSystemException(path, null, bytes.remaining() + " bytes from " + position + " on are lost: the volume cannot be written any more");
        if (writable) changes.close(path, file.address(), file.generation(), VmFile.Mode.WRITE, bytes == null ? null : editor -> editor.write(position, bytes.duplicate()));
        collected = new byte[0];
    }

    synchronized void truncate(long length) throws IOException {
        if (length < 0) throw new IllegalArgumentException("length " + length);
        spill();
        if (length > file.version().length()) edit(editor -> editor.extend(length));
        if (length >= file.version().length()) return;
        alone(() -> {
            boolean[] done = new boolean[1];
            while (!done[0]) edit(editor -> done[0] = editor.cut(length));
        });
    }

    synchronized void allocate(long position, long length, Progress progress) throws IOException {
        requireRange(position, length);
        spill();
        long before = file.version().length();
        long end = position + length;
        try {
            progress.at(0, length);
            for (long[] here = {position}; here[0] < end; progress.at(here[0] - position, length)) edit(editor -> here[0] = editor.allocate(here[0], end));
        } catch (CancellationException | IOException e) {
            if (file.version().length() > before) truncate(before);
            throw e;
        }
    }

    synchronized void punch(long position, long length) throws IOException {
        requireRange(position, length);
        spill();
        long end = Math.min(position + length, file.version().length());
        alone(() -> {
            for (long[] here = {position}; here[0] < end; ) edit(editor -> here[0] = editor.punch(here[0], end));
        });
    }

    private static void requireRange(long position, long length) {
        if (position < 0 || length < 0 || position > Long.MAX_VALUE - length) throw new IllegalArgumentException("position " + position + ", length " + length);
    }

    /** Gives blocks to the holes of a range within the file, or makes its blocks plain ones of its own. */
    synchronized void fill(long position, long end) throws IOException {
        spill();
        for (long[] here = {position}; here[0] < end; ) edit(editor -> here[0] = editor.own(here[0], end));
    }

    /** Work that may fail. */
    interface Work { void run() throws IOException; }

    /** Runs work while no request is under way to blocks of the file. */
    private void alone(Work work) throws IOException {
        StampedLock requests = file.requests();
        long stamp = requests.writeLock();
        try {
            work.run();
        } finally {
            requests.unlockWrite(stamp);
        }
    }
}
