package vmkernel.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The memory that a block request reads from or writes to, in one run of bytes however it is scattered. The driver copies
 * between it and its DMA buffer: the only copy on the way. Any thread. Implemented here for guest memory and for buffers.
 */
@ProviderType
public interface Transfer {
    int bytes();

    /** Copies {@code length} bytes from {@code offset} to host memory at an address that the caller owns. */
    void copyTo(int offset, long address, int length);

    /** Copies host memory into this. */
    void copyFrom(int offset, long address, int length);
}
