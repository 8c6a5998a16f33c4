package vmkernel.core.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.VmFile.Mode;

/**
 * What all open handles of one file of the host have in common: the channels and the lock. The host drops a process's locks of a file as
 * soon as the process closes any descriptor of it ([Linux] fcntl(2)), so none is closed before the last handle is. Guarded by {@link HostFolder}.
 */
final class HostInode {
    private FileChannel reader, writer;
    private FileLock lock;
    private int users, sharers;
    private boolean writing;
    /** Data that was written may not have become stable, and the host forgets that it said so: no flush is good from then on. */
    volatile boolean unstable;

    /** Adds a handle. @throws FileLockedException if another one, here or elsewhere, is in its way */
    void take(Path path, Mode mode) throws IOException {
        if (mode == Mode.WRITE && (writing || sharers > 0) || mode == Mode.SHARE && writing) {
            throw new FileLockedException(path.toString(), "is in use already in this process, for " + (writing ? "writing" : "reading"));
        }
        if (mode == Mode.WRITE && writer == null) writer = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (mode != Mode.WRITE && channel() == null) reader = FileChannel.open(path, StandardOpenOption.READ);
        if (mode != Mode.READ && lock == null) lock(path, mode == Mode.SHARE);
        users++;
        writing |= mode == Mode.WRITE;
        if (mode == Mode.SHARE) sharers++;
    }

    private void lock(Path path, boolean shared) throws IOException {
        try {
            lock = (shared ? channel() : writer).tryLock(0, Long.MAX_VALUE, shared);
        } catch (OverlappingFileLockException e) {
            throw new FileLockedException(path.toString(), "is in use already in this process");
        }
        if (lock == null) throw new FileLockedException(path.toString(), "is in use by another process");
    }

    /** For reading; for writing too, if a handle is. */
    FileChannel channel() { return writer != null ? writer : reader; }

    /** A handle is closed. */
    void give(Mode mode) throws IOException {
        users--;
        if (mode == Mode.WRITE) writing = false;
        if (mode == Mode.SHARE) sharers--;
        if (lock != null && !writing && sharers == 0) {
            lock.release();
            lock = null;
        }
    }

    boolean unused() { return users == 0; }

    /** One line for each kind of holder in this process. */
    String holders() { return writing ? "is open for writing in this process" : sharers > 0 ? "is open for reading in this process, " + sharers + " times" : ""; }

    void close() throws IOException {
        if (writer != null) writer.close();
        if (reader != null) reader.close();
    }
}
