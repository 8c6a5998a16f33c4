package vmkernel.api.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An open file. Any thread, several at a time; two writes to the same bytes come in any order. */
@ConsumerType
public interface VmFile extends AutoCloseable {
    /** Of the blocks of {@link #submit}. */
    int BLOCK_BYTES = 512;

    /** What an open file is for, and whom it keeps away, on all hosts. */
    enum Mode {
        /** Reads and keeps nobody away; what is read may be changing. */
        READ,
        /** Reads, and nobody writes meanwhile. */
        SHARE,
        /** Reads and writes, and nobody else writes or shares. */
        WRITE
    }

    /** As it was opened. */
    String path();

    Mode mode();

    /** Names it in {@link MountedVolume#reopen}. */
    int handle();

    FileStatus status() throws IOException;

    /** In bytes. */
    long length() throws IOException;

    /** Fills the buffer, or as much of it as the file has; holes are zeros. @return bytes; 0 at the end of the file */
    int read(long position, ByteBuffer to) throws IOException;

    /** Writes all of the buffer; past the end the file grows. On stable storage after {@link #flush} or {@link #close}. */
    void write(long position, ByteBuffer from) throws IOException;

    /** Makes it shorter, or longer with a hole. Done when it returns. */
    void truncate(long length) throws IOException;

    /** Gives blocks, filled with zeros, to the holes of a range; the file grows if it ends before. Done when it returns. */
    void allocate(long position, long length, Progress progress) throws IOException;

    /** Makes a range read as zeros and gives its whole blocks back. */
    void punch(long position, long length) throws IOException;

    /** The next place from here that is not in a hole; {@link #length} if there is none. */
    long nextData(long position) throws IOException;

    /** The next place from here that is in a hole; {@link #length} if there is none. */
    long nextHole(long position) throws IOException;

    /** Everything written is on stable storage, with what is needed to find it. */
    void flush() throws IOException;

    /**
     * Starts a request as {@link vmkernel.api.storage.BlockDevice#submit} does, in blocks of 512 bytes; a last part block of the file counts as
     * a whole one. Does not wait for the device unless a write meets a hole, which is filled before (a full volume ends in
     * {@link BlockResult#NO_SPACE}). The file does not grow: what is out of its range ends with {@link BlockResult#OUT_OF_RANGE}.
     */
    void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done);

    /** Gives up the lock, after a flush if it was for writing. Again does nothing. */
    @Override
    void close() throws IOException;
}
