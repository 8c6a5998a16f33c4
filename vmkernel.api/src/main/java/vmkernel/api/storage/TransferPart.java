package vmkernel.api.storage;

import java.util.Objects;

/** Part of the memory of a larger request. @param first byte in the whole */
public record TransferPart(Transfer whole, int first, int bytes) implements Transfer {
    /** The whole itself if it is all of it. */
    public static Transfer of(Transfer whole, int first, int bytes) { return first == 0 && bytes == whole.bytes() ? whole : new TransferPart(whole, first, bytes); }

    @Override
    public void copyTo(int offset, long address, int length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        whole.copyTo(first + offset, address, length);
    }

    @Override
    public void copyFrom(int offset, long address, int length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        whole.copyFrom(first + offset, address, length);
    }
}
