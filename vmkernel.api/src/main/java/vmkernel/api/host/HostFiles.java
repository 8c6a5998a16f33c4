package vmkernel.api.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ConsumerType;

/** Files and block devices of the machine below, past its page cache (O_DIRECT): a service. */
@ConsumerType
public interface HostFiles {
    /**
     * Opens an existing file or block device; where it cannot be opened without the cache it is opened with it.
     *
     * @throws IOException in one line: file, what is wrong, what to do
     */
    HostFile open(Path path, boolean writing) throws IOException;

    /** An open file. Any thread, several at a time. Buffers are direct; positions and lengths are multiples of {@link #alignment}. */
    @ConsumerType
    interface HostFile extends AutoCloseable {
        long size();

        /** In bytes; 1 if there is no need to align. Buffers begin at such an address, too. */
        int alignment();

        /** True if the page cache is not used. */
        boolean direct();

        /** Reads until the buffer is full or the file ends. @return bytes read */
        int read(ByteBuffer to, long position) throws IOException;

        /** Writes all of the buffer. */
        void write(ByteBuffer from, long position) throws IOException;

        /** Everything written is on stable storage when it returns. */
        void flush() throws IOException;

        @Override
        void close() throws IOException;
    }
}
