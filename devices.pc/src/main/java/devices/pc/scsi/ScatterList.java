package devices.pc.scsi;

import java.util.Arrays;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.storage.GuestTransfer;

/** The guest memory of one command: what its adapter read out of the guest's scatter-gather elements. */
final class ScatterList {
    static final ScatterList EMPTY = new ScatterList(0);
    /** More than any command of a disk moves. */
    static final int MOST_BYTES = 64 << 20;
    private static final long ABSENT = 0xFF_FFFF_F000L;

    private final int most;
    private long[] addresses = new long[8];
    private int[] lengths = new int[8];
    private int count, bytes;

    /** @param most bytes; what is added beyond is left out */
    ScatterList(long most) { this.most = (int) Math.max(0, Math.min(most, MOST_BYTES)); }

    /** A list of so many bytes in no memory at all, for data that nobody wants. */
    static ScatterList nowhere(int bytes) {
        ScatterList list = new ScatterList(bytes);
        list.add(ABSENT, bytes);
        return list;
    }

    /** Adds an element; one that continues the last becomes part of it. @param length not negative */
    void add(long address, long length) {
        int part = (int) Math.min(length, most - bytes);
        if (part == 0) return;
        bytes += part;
        if (count > 0 && addresses[count - 1] + lengths[count - 1] == address) {
            lengths[count - 1] += part;
            return;
        }
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * count);
            lengths = Arrays.copyOf(lengths, 2 * count);
        }
        addresses[count] = address;
        lengths[count++] = part;
    }

    int bytes() { return bytes; }

    boolean full() { return bytes == most; }

    /** The first bytes of the list, for the kernel. @param length at most {@link #bytes} */
    GuestTransfer transfer(GuestMemory memory, int length) {
        int parts = 0;
        int left = length;
        while (left > 0) left -= lengths[parts++];
        long[] theirAddresses = Arrays.copyOf(addresses, parts);
        int[] theirLengths = Arrays.copyOf(lengths, parts);
        if (left < 0) theirLengths[parts - 1] += left;
        return new GuestTransfer(memory, theirAddresses, theirLengths);
    }

    /** Puts as many of these bytes as there is room for into the guest's memory. @return how many */
    int write(GuestMemory memory, byte[] from, int length) {
        int done = 0;
        for (int i = 0; i < count && done < length; i++) {
            int part = Math.min(length - done, lengths[i]);
            memory.write(addresses[i], from, done, part);
            done += part;
        }
        return done;
    }

    /** Takes the first bytes out of the guest's memory. @return as many as there are, at most {@code length} */
    byte[] read(GuestMemory memory, int length) {
        byte[] to = new byte[Math.min(length, bytes)];
        for (int i = 0, done = 0; done < to.length; i++) {
            int part = Math.min(to.length - done, lengths[i]);
            memory.read(addresses[i], to, done, part);
            done += part;
        }
        return to;
    }
}
