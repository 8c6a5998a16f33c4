package host.sim.bus;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;

/**
 * The memory of the simulated server, as devices and drivers share it. It is made of banks, each of them one direct buffer and one
 * run of bus addresses; a bank comes into being when the others are full, so that a host without I/O touches none of it, and then
 * stays. Nothing given away lies in two banks, so an access across them is as wrong as one outside. Bus addresses begin at
 * {@value #FIRST}, as 0 is what a broken descriptor has. Any thread.
 *
 * <p>LIMIT: there is no IOMMU: a device can reach what belongs to another one's driver, as on the boards of that time.
 */
public final class SystemMemory implements BusMemory {
    static final int FIRST = 1 << 20;
    private static final int UNIT = 1 << 20, LEAST_BANK = 2 << 20, LEAST_ALIGNMENT = 64;
    /** Banks begin at such a host address, so that what is aligned on the bus is so for O_DIRECT, too. */
    private static final int HOST_PAGE = 4096;

    /** The bank at every unit of bus addresses, from address 0 on. */
    private final Bank[] banks;
    private final List<Bank> made = new ArrayList<>();
    private int unitsUsed = FIRST / UNIT;

    /** @param free offset to length of what is not given away; neighbours are one */
    private record Bank(long base, ByteBuffer bytes, long address, TreeMap<Integer, Integer> free) {
        Bank(long base, ByteBuffer bytes) {
            this(base, bytes, HostMemory.addressOf(bytes), new TreeMap<>(Map.of(0, bytes.capacity())));
        }
    }

    /** @param bytes of the whole, up to 3 GiB */
    public SystemMemory(long bytes) { banks = new Bank[(int) (FIRST / UNIT + (bytes + UNIT - 1) / UNIT)]; }

    /** Memory that is there already, such as that of another process, from bus address 0 on; nothing of it is given away. */
    public SystemMemory(ByteBuffer existing) {
        banks = new Bank[(existing.capacity() + UNIT - 1) / UNIT];
        java.util.Arrays.fill(banks, new Bank(0, existing));
        unitsUsed = banks.length;
    }

    @Override
    public boolean read(long address, byte[] to, int offset, int length) {
        long host = host(address, length);
        if (host == 0) return false;
        HostMemory.read(host, to, offset, length);
        VarHandle.acquireFence();
        return true;
    }

    @Override
    public boolean write(long address, byte[] from, int offset, int length) {
        long host = host(address, length);
        if (host == 0) return false;
        VarHandle.releaseFence();
        HostMemory.write(host, from, offset, length);
        return true;
    }

    @Override
    public int get(long address, int bytes) {
        long host = host(address, bytes);
        if (host == 0) return bytes == 2 ? 0xFFFF : -1;
        int value = bytes == 2 ? HostMemory.getShort(host) & 0xFFFF : HostMemory.getInt(host);
        VarHandle.acquireFence();
        return value;
    }

    @Override
    public boolean put(long address, int bytes, int value) {
        long host = host(address, bytes);
        if (host == 0) return false;
        VarHandle.releaseFence();
        if (bytes == 2) HostMemory.putShort(host, (short) value);
        else HostMemory.putInt(host, value);
        return true;
    }

    @Override
    public ByteBuffer slice(long address, int length) {
        Bank bank = bank(address, length);
        return bank == null ? null : bank.bytes.slice((int) (address - bank.base), length);
    }

    /** 0 if it is not wholly in one bank. */
    private long host(long address, int length) {
        Bank bank = bank(address, length);
        return bank == null ? 0 : bank.address + (address - bank.base);
    }

    private Bank bank(long address, int length) {
        if (address < 0 || address >>> 20 >= banks.length || length < 0) return null;
        Bank bank = banks[(int) (address >>> 20)];
        return bank == null || address - bank.base + length > bank.bytes.capacity() ? null : bank;
    }

    /**
     * Gives memory away, all zero, from the first place where it fits.
     *
     * @param alignment a power of two
     * @throws IllegalStateException in one line if there is none left
     */
    DmaBuffer allocate(int bytes, int alignment) {
        if (bytes <= 0 || Integer.bitCount(alignment) != 1) throw new IllegalArgumentException(bytes + " bytes aligned to " + alignment + ": a positive number and a power of two are needed");
        int aligned = Math.max(alignment, LEAST_ALIGNMENT);
        int rounded = bytes > Integer.MAX_VALUE - LEAST_ALIGNMENT ? bytes : (bytes + LEAST_ALIGNMENT - 1) & -LEAST_ALIGNMENT;
        synchronized (this) {
            for (Bank bank : made) {
                Piece piece = take(bank, rounded, aligned);
                if (piece != null) return piece;
            }
            Piece piece = take(addBank((long) rounded + (aligned > UNIT ? aligned : 0)), rounded, aligned);
            if (piece == null) throw none(rounded);
            return piece;
        }
    }

    private Bank addBank(long bytes) {
        long units = (Math.max(bytes, LEAST_BANK) + UNIT - 1) / UNIT;
        if (bytes <= LEAST_BANK) units = Math.min(units, banks.length - unitsUsed);
        if (units <= 0 || unitsUsed + units > banks.length || units * UNIT > Integer.MAX_VALUE - HOST_PAGE) throw none(bytes);
        Bank bank;
        try {
            int size = (int) units * UNIT;
            bank = new Bank((long) unitsUsed * UNIT, ByteBuffer.allocateDirect(size + HOST_PAGE).alignedSlice(HOST_PAGE).slice(0, size));
        } catch (OutOfMemoryError e) {
            throw new IllegalStateException("the Java machine has no " + units + " MB of direct memory for DMA: raise -XX:MaxDirectMemorySize");
        }
        java.util.Arrays.fill(banks, unitsUsed, unitsUsed + (int) units, bank);
        made.add(bank);
        unitsUsed += (int) units;
        return bank;
    }

    private IllegalStateException none(long bytes) {
        return new IllegalStateException("no " + (bytes + 1023) / 1024 + " KB of memory for DMA left of " + (banks.length - FIRST / UNIT) + " MB: raise \"memory\" in the hardware file");
    }

    private Piece take(Bank bank, int bytes, int alignment) {
        for (Map.Entry<Integer, Integer> hole : bank.free.entrySet()) {
            int start = hole.getKey(), end = start + hole.getValue();
            long at = (bank.base + start + alignment - 1 & -(long) alignment) - bank.base;
            if (at + bytes > end) continue;
            bank.free.remove(start);
            if (at > start) bank.free.put(start, (int) at - start);
            if (at + bytes < end) bank.free.put((int) at + bytes, (int) (end - at - bytes));
            HostMemory.fill(bank.address + at, bytes, (byte) 0);
            return new Piece(bank, (int) at, bytes);
        }
        return null;
    }

    private synchronized void giveBack(Bank bank, int offset, int bytes) {
        HostMemory.fill(bank.address + offset, bytes, (byte) 0);
        Map.Entry<Integer, Integer> before = bank.free.lowerEntry(offset), after = bank.free.higherEntry(offset);
        int start = offset, end = offset + bytes;
        if (before != null && before.getKey() + before.getValue() == offset) start = before.getKey();
        if (after != null && after.getKey() == end) end += bank.free.remove(after.getKey());
        bank.free.put(start, end - start);
    }

    /** Keeps its bank alive: who has it may use the address, whatever became of the host. */
    private final class Piece implements DmaBuffer {
        private final Bank bank;
        private final int offset, bytes;
        private boolean closed;

        Piece(Bank bank, int offset, int bytes) {
            this.bank = bank;
            this.offset = offset;
            this.bytes = bytes;
        }

        @Override public long address() { return bank.address + offset; }

        @Override public long busAddress() { return bank.base + offset; }

        @Override public int bytes() { return bytes; }

        @Override
        public void close() {
            synchronized (SystemMemory.this) {
                if (closed) return;
                closed = true;
                giveBack(bank, offset, bytes);
            }
        }
    }
}
