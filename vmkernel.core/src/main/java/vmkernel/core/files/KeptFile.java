package vmkernel.core.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** A file of a disk, as the code of its format has it: when that closes it, it stays open for the successor. */
final class KeptFile implements VmFile {
    private final VmFile file;
    private final Runnable given;
    private boolean closed;

    /** @param given told when it is closed */
    KeptFile(VmFile file, Runnable given) {
        this.file = file;
        this.given = given;
    }

    @Override public String path() { return file.path(); }
    @Override public Mode mode() { return file.mode(); }
    @Override public int handle() { return file.handle(); }
    @Override public FileStatus status() throws IOException { return file.status(); }
    @Override public long length() throws IOException { return file.length(); }
    @Override public int read(long position, ByteBuffer to) throws IOException { return file.read(position, to); }
    @Override public void write(long position, ByteBuffer from) throws IOException { file.write(position, from); }
    @Override public void truncate(long length) throws IOException { file.truncate(length); }
    @Override public void allocate(long position, long length, Progress progress) throws IOException { file.allocate(position, length, progress); }
    @Override public void punch(long position, long length) throws IOException { file.punch(position, length); }
    @Override public long nextData(long position) throws IOException { return file.nextData(position); }
    @Override public long nextHole(long position) throws IOException { return file.nextHole(position); }
    @Override public void flush() throws IOException { file.flush(); }
    @Override public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) { file.submit(operation, block, data, done); }

    @Override
    public synchronized void close() throws IOException {
        if (closed) return;
        closed = true;
        try {
            if (mode() == Mode.WRITE) file.flush();
        } finally {
            given.run();
        }
    }
}
