package vmkernel.core.storage;

import java.util.Objects;
import vmkernel.api.storage.Transfer;

/** Part of the memory of a larger request. */
record Slice(Transfer whole, int first, int bytes) implements Transfer {
    static Transfer of(Transfer whole, int first, int bytes) { return first == 0 && bytes == whole.bytes() ? whole : new Slice(whole, first, bytes); }

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
