package vmkernel.api.storage;

import java.util.Objects;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.HostMemory;

/**
 * A scatter-gather list in guest memory. Bytes outside RAM read as 0xFF and are dropped when written, as on a bus. After
 * {@link #revoke} nothing is copied any more: the VM is off, and its memory somebody else's.
 */
public final class GuestTransfer implements Transfer {
    private static final int PAGE_MASK = GuestMemory.PAGE_SIZE - 1;

    private final long[] addresses;
    private final int[] lengths;
    private final int bytes;
    /** Null when revoked. Guarded by this. */
    private GuestMemory memory;

    /** @param addresses guest-physical; @param lengths in bytes, as many as addresses, none negative; both arrays are kept */
    public GuestTransfer(GuestMemory memory, long[] addresses, int[] lengths) {
        this.memory = memory;
        this.addresses = addresses;
        this.lengths = lengths;
        int sum = 0;
        for (int length : lengths) sum = Math.addExact(sum, length);
        bytes = sum;
    }

    @Override public int bytes() { return bytes; }

    /** Guest-physical addresses of the parts; for those who save a request. */
    public long[] addresses() { return addresses.clone(); }

    public int[] lengths() { return lengths.clone(); }

    /** Returns when no copy is under way, and none will be. */
    public synchronized void revoke() { memory = null; }

    @Override public void copyTo(int offset, long address, int length) { copy(offset, address, length, false); }

    @Override public void copyFrom(int offset, long address, int length) { copy(offset, address, length, true); }

    private synchronized void copy(int offset, long address, int length, boolean toGuest) {
        Objects.checkFromIndexSize(offset, length, bytes);
        if (memory == null) return;
        int skip = offset;
        int left = length;
        long host = address;
        for (int i = 0; left > 0; i++) {
            if (skip >= lengths[i]) {
                skip -= lengths[i];
                continue;
            }
            int part = Math.min(left, lengths[i] - skip);
            copyPart(addresses[i] + skip, host, part, toGuest);
            skip = 0;
            left -= part;
            host += part;
        }
    }

    private void copyPart(long guestAddress, long hostAddress, int length, boolean toGuest) {
        long guest = guestAddress;
        long host = hostAddress;
        for (int left = length; left > 0; ) {
            int part = Math.min(left, GuestMemory.PAGE_SIZE - (int) (guest & PAGE_MASK));
            copyPage(guest, host, part, toGuest);
            guest += part;
            host += part;
            left -= part;
        }
    }

    private void copyPage(long guest, long host, int length, boolean toGuest) {
        long page = toGuest ? memory.writableAddress(guest >>> GuestMemory.PAGE_SHIFT) : memory.readableAddress(guest >>> GuestMemory.PAGE_SHIFT);
        if (page != 0) {
            if (toGuest) HostMemory.copy(host, page + (guest & PAGE_MASK), length); else HostMemory.copy(page + (guest & PAGE_MASK), host, length);
            return;
        }
        // absent, ROM, or a page whose writes somebody watches
        byte[] part = new byte[length];
        if (toGuest) {
            HostMemory.read(host, part, 0, length);
            memory.write(guest, part, 0, length);
        } else {
            memory.read(guest, part, 0, length);
            HostMemory.write(host, part, 0, length);
        }
    }
}
