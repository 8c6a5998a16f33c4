package monitor.x86.interp;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.HostMemory;

/** Guest memory of one contiguous piece, for tests. */
final class FlatMemory implements GuestMemory, AutoCloseable {
    private final long base;
    private final long bytes;
    private final BitSet watched = new BitSet();
    private final List<PageListener> listeners = new CopyOnWriteArrayList<>();

    FlatMemory(long bytes) {
        this.bytes = bytes;
        base = HostMemory.allocate(bytes + 8);
        HostMemory.fill(base, bytes, (byte) 0);
    }

    /** Nobody watches it. */
    boolean untouched() { return watched.isEmpty() && listeners.isEmpty(); }

    @Override public void close() { HostMemory.free(base); }

    @Override public long sizeBytes() { return bytes; }

    @Override public long lowMemoryTop() { return bytes; }

    @Override public long readableAddress(long ppn) { return ppn << 12 < bytes ? base + (ppn << 12) : 0; }

    @Override public long writableAddress(long ppn) { return watched.get((int) ppn) ? 0 : readableAddress(ppn); }

    @Override
    public void watch(long ppn, boolean on) {
        watched.set((int) ppn, on);
        if (on) listeners.forEach(l -> l.unmapped(ppn));
    }

    @Override
    public void read(long address, byte[] to, int offset, int length) {
        for (int i = 0; i < length; i++) to[offset + i] = (byte) read(address + i, 1);
    }

    @Override
    public void write(long address, byte[] from, int offset, int length) {
        for (int i = 0; i < length; i++) write(address + i, 1, from[offset + i]);
    }

    @Override
    public long read(long address, int n) {
        if (address + n > bytes) return -1;
        return switch (n) {
            case 1 -> HostMemory.getByte(base + address) & 0xFF;
            case 2 -> HostMemory.getShort(base + address) & 0xFFFF;
            case 4 -> HostMemory.getInt(base + address) & 0xFFFF_FFFFL;
            default -> HostMemory.getLong(base + address);
        };
    }

    @Override
    public void write(long address, int n, long value) {
        if (address + n > bytes) return;
        for (int i = 0; i < n; i++) HostMemory.putByte(base + address + i, (byte) (value >>> 8 * i));
        if (watched.get((int) (address >>> 12))) listeners.forEach(l -> l.written(address, n));
    }

    @Override
    public boolean compareAndSet(long address, int n, long expected, long value) {
        if (read(address, n) != expected) return false;
        write(address, n, value);
        return true;
    }

    @Override public void mapRom(long address, byte[] image) { write(address, image, 0, image.length); }

    @Override public void addListener(PageListener listener) { listeners.add(listener); }

    @Override public void removeListener(PageListener listener) { listeners.remove(listener); }
}
