package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/**
 * A volume of files in memory whose every step can be made to fail, and that knows what a power cut may leave: of what was written since a file's
 * last flush any blocks, or none; names and lengths that were changed are there when the call returns, as {@link Volume} says.
 */
final class MemoryVolume implements Volume {
    private static final int BLOCK = 512;

    private final Map<String, Content> files = new TreeMap<>();
    /** Steps so far: every read, write, flush and change of a name or a length. */
    private int steps;
    private IntPredicate fails = step -> false;
    private boolean full, links;
    private int yields;

    /** Bytes, of which most may be a hole. */
    private static final class Bytes {
        final Map<Integer, byte[]> blocks = new HashMap<>();
        int length;

        void write(int at, byte[] data, int from, int to) {
            for (int i = from, next; i < to; i = next) {
                int place = at + i, within = place % BLOCK;
                next = Math.min(to, i + BLOCK - within);
                System.arraycopy(data, i, blocks.computeIfAbsent(place / BLOCK, number -> new byte[BLOCK]), within, next - i);
            }
            length = Math.max(length, at + to);
        }

        byte[] read(int at, int count) {
            byte[] data = new byte[count];
            for (int i = 0, next; i < count; i = next) {
                int place = at + i, within = place % BLOCK;
                next = Math.min(count, i + BLOCK - within);
                byte[] block = blocks.get(place / BLOCK);
                if (block != null) System.arraycopy(block, within, data, i, next - i);
            }
            return data;
        }

        void resize(int other) {
            if (other < length) {
                blocks.keySet().removeIf(block -> block >= (other + BLOCK - 1) / BLOCK);
                if (blocks.containsKey(other / BLOCK)) Arrays.fill(blocks.get(other / BLOCK), other % BLOCK, BLOCK, (byte) 0);
            }
            length = other;
        }

        Bytes copy() {
            Bytes copy = new Bytes();
            blocks.forEach((number, block) -> copy.blocks.put(number, block.clone()));
            copy.length = length;
            return copy;
        }
    }

    /** Bytes of a file: as they are read, and those that are stable. */
    private static final class Content {
        Bytes bytes = new Bytes(), stable = new Bytes();
        final List<Written> unstable = new ArrayList<>();
        int readers;
        boolean writer;

        void resize(int length) {
            bytes.resize(length);
            stable.resize(length);
            unstable.replaceAll(written -> written.cut(length));
        }

        /** What is left of it after a power cut. */
        Content cut(Random chance) {
            Content after = new Content();
            after.bytes = stable.copy();
            for (Written written : unstable) {
                for (int at = 0; at < written.bytes.length; at += BLOCK) {
                    if (chance.nextBoolean()) after.bytes.write(written.at, written.bytes, at, Math.min(written.bytes.length, at + BLOCK));
                }
            }
            after.stable = after.bytes.copy();
            return after;
        }
    }

    private record Written(int at, byte[] bytes) {
        Written cut(int length) { return at + bytes.length <= length ? this : new Written(Math.min(at, length), Arrays.copyOf(bytes, Math.max(0, length - at))); }

        void into(Bytes to) { to.write(at, bytes, 0, bytes.length); }
    }

    /** Steps with these numbers fail, from 0 on. */
    synchronized void failing(IntPredicate steps) { fails = steps; }

    /** No file can grow any more, nor be made. */
    synchronized void full(boolean now) { full = now; }

    /** Others come in between after a flush, as they do when one takes its time. */
    synchronized void leisurely() { yields = 50; }

    /** Files can have several names. */
    synchronized void linking() { links = true; }

    synchronized int steps() { return steps; }

    private void step(String path) throws IOException {
        if (fails.test(steps++)) throw new IOException(path + ": fails as it should");
    }

    VolumePath at(String path) { return new VolumePath(this, path); }

    /** What there is after a power cut. */
    synchronized MemoryVolume cut(Random chance) {
        MemoryVolume left = new MemoryVolume();
        Map<Content, Content> known = new IdentityHashMap<>(); // a file may have two names
        left.links = links;
        files.forEach((path, content) -> left.files.put(path, known.computeIfAbsent(content, before -> before.cut(chance))));
        return left;
    }

    synchronized byte[] bytes(String path) { return files.get(path).bytes.read(0, files.get(path).bytes.length); }

    synchronized void put(String path, byte[] bytes) {
        Content content = new Content();
        content.bytes.write(0, bytes, 0, bytes.length);
        content.stable = content.bytes.copy();
        files.put(path, content);
    }

    synchronized List<String> names() { return List.copyOf(files.keySet()); }

    @Override public String uuid() { return "memory"; }
    @Override public String label() { return "memory"; }
    @Override public String type() { return "memory"; }
    @Override public Optional<String> readOnly() { return Optional.empty(); }
    @Override public VolumeSpace space() { return new VolumeSpace(4096, 1 << 30, 1 << 29, 1000, 1000); }

    private Content content(String path) throws IOException {
        Content content = files.get(path);
        if (content == null) throw new NoSuchFileException(path, null, "no such file or directory");
        return content;
    }

    @Override
    public synchronized FileStatus status(String path) throws IOException {
        int length = content(path).bytes.length;
        return new FileStatus(path.substring(path.lastIndexOf('/') + 1), path.hashCode(), FileStatus.Type.FILE, length, length, 1, 0600, 0, 0, 0, 0, 0);
    }

    @Override
    public synchronized List<FileStatus> list(String path) throws IOException {
        List<FileStatus> found = new ArrayList<>();
        for (String name : files.keySet()) found.add(status(name));
        return found;
    }

    @Override
    public synchronized VmFile open(String path, VmFile.Mode mode) throws IOException {
        step(path);
        Content content = content(path);
        if (mode == VmFile.Mode.WRITE && (content.writer || content.readers > 0) || mode == VmFile.Mode.SHARE && content.writer) throw new FileLockedException(path, "is in use");
        content.writer |= mode == VmFile.Mode.WRITE;
        if (mode == VmFile.Mode.SHARE) content.readers++;
        return new MemoryFile(path, content, mode);
    }

    @Override
    public synchronized VmFile create(String path, int mode) throws IOException {
        if (files.containsKey(path)) throw new FileAlreadyExistsException(path, null, "is there already");
        if (full) throw new VolumeFullException(path, "no space left");
        step(path);
        Content content = new Content();
        content.writer = true;
        files.put(path, content);
        return new MemoryFile(path, content, VmFile.Mode.WRITE);
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        step(from);
        files.put(to, content(from));
        files.remove(from);
    }

    @Override
    public synchronized void delete(String path) throws IOException {
        step(path);
        content(path);
        files.remove(path);
    }

    @Override
    public synchronized void link(String existing, String path) throws IOException {
        if (!links) throw new UnsupportedOperationException();
        step(path);
        files.put(path, content(existing));
    }

    @Override public void mkdir(String path, int mode) { throw new UnsupportedOperationException(); }
    @Override public void symlink(String path, String target) { throw new UnsupportedOperationException(); }
    @Override public String target(String path) { throw new UnsupportedOperationException(); }
    @Override public void chmod(String path, int mode) { throw new UnsupportedOperationException(); }
    @Override public void chown(String path, int uid, int gid) { throw new UnsupportedOperationException(); }
    @Override public void times(String path, long modified, long accessed) { throw new UnsupportedOperationException(); }
    @Override public void label(String label) { throw new UnsupportedOperationException(); }
    @Override public List<String> locks(String path) { return List.of(); }

    private final class MemoryFile implements VmFile {
        private final String path;
        private final Content content;
        private final Mode mode;
        private boolean closed;

        MemoryFile(String path, Content content, Mode mode) {
            this.path = path;
            this.content = content;
            this.mode = mode;
        }

        @Override public String path() { return path; }
        @Override public Mode mode() { return mode; }
        @Override public int handle() { return 0; }
        @Override public FileStatus status() throws IOException { return MemoryVolume.this.status(path); }

        @Override
        public long length() {
            synchronized (MemoryVolume.this) {
                return content.bytes.length;
            }
        }

        @Override
        public int read(long position, ByteBuffer to) throws IOException {
            synchronized (MemoryVolume.this) {
                step(path);
                int count = (int) Math.max(0, Math.min(to.remaining(), content.bytes.length - position));
                if (count > 0) to.put(content.bytes.read((int) position, count));
                return count;
            }
        }

        private void requireWriting() throws IOException {
            if (mode != Mode.WRITE) throw new IOException(path + ": is open for reading");
            step(path);
        }

        @Override
        public void write(long position, ByteBuffer from) throws IOException {
            synchronized (MemoryVolume.this) {
                requireWriting();
                if (full && position + from.remaining() > content.bytes.length) throw new VolumeFullException(path, "no space left");
                Written written = new Written((int) position, new byte[from.remaining()]);
                from.get(written.bytes);
                written.into(content.bytes);
                content.unstable.add(written);
            }
        }

        @Override
        public void truncate(long length) throws IOException {
            synchronized (MemoryVolume.this) {
                requireWriting();
                if (full && length > content.bytes.length) throw new VolumeFullException(path, "no space left");
                content.resize((int) length);
            }
        }

        @Override
        public void allocate(long position, long length, Progress progress) throws IOException {
            progress.at(0, length);
            if (position + length > length()) truncate(position + length);
            progress.at(length, length);
        }

        @Override public void punch(long position, long length) throws IOException { write(position, ByteBuffer.allocate((int) length)); }
        @Override public long nextData(long position) { return Math.min(position, length()); }
        @Override public long nextHole(long position) { return length(); }

        @Override
        public void flush() throws IOException {
            synchronized (MemoryVolume.this) {
                step(path);
                for (Written written : content.unstable) written.into(content.stable);
                content.unstable.clear();
            }
            for (int i = 0; i < yields; i++) Thread.yield();
        }

        @Override
        public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) { done.accept(ended(operation, block, data)); }

        private BlockResult ended(BlockOperation operation, long block, Transfer data) {
            try {
                if (operation == BlockOperation.FLUSH) {
                    flush();
                    return BlockResult.GOOD;
                }
                if (block < 0 || block * BLOCK + data.bytes() > (length() + BLOCK - 1) / BLOCK * BLOCK) return BlockResult.OUT_OF_RANGE;
                ByteBuffer buffer = ByteBuffer.allocateDirect(data.bytes());
                if (operation == BlockOperation.READ) {
                    read(block * BLOCK, buffer);
                    data.copyFrom(0, HostMemory.addressOf(buffer), data.bytes());
                } else {
                    data.copyTo(0, HostMemory.addressOf(buffer), data.bytes());
                    write(block * BLOCK, buffer);
                }
                return BlockResult.GOOD;
            } catch (IOException e) {
                return e instanceof VolumeFullException ? BlockResult.NO_SPACE : operation == BlockOperation.READ ? BlockResult.READ_ERROR : BlockResult.WRITE_ERROR;
            }
        }

        @Override
        public void close() throws IOException {
            synchronized (MemoryVolume.this) {
                if (closed) return;
                closed = true;
                if (mode == Mode.WRITE) content.writer = false;
                if (mode == Mode.SHARE) content.readers--;
                if (mode == Mode.WRITE) flush();
            }
        }
    }
}
