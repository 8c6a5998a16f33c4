package firmware.bios;

import java.util.Arrays;
import java.util.TreeMap;
import vmkernel.api.memory.GuestMemory;

/** Guest memory on arrays: RAM from 0, without the hole at A0000, and ROM images on top of it. */
final class FakeMemory implements GuestMemory {
    private final byte[] ram;
    private final TreeMap<Long, byte[]> roms = new TreeMap<>();

    FakeMemory(int megabytes) { ram = new byte[megabytes << 20]; }

    /** Fills RAM, as a machine that is reset has it. */
    FakeMemory dirty() {
        Arrays.fill(ram, (byte) 0xA5);
        return this;
    }

    private byte[] rom(long address) {
        var entry = roms.floorEntry(address);
        return entry != null && address < entry.getKey() + entry.getValue().length ? entry.getValue() : null;
    }

    private boolean hole(long address) { return address < 0 || address >= ram.length || address >= 0xA0000 && address < 0x100000; }

    private byte get(long address) {
        byte[] rom = rom(address);
        if (rom != null) return rom[(int) (address - roms.floorKey(address))];
        return hole(address) ? (byte) 0xFF : ram[(int) address];
    }

    @Override public long sizeBytes() { return ram.length; }
    @Override public long lowMemoryTop() { return ram.length; }
    @Override public long readableAddress(long ppn) { throw new UnsupportedOperationException("not host memory"); }
    @Override public long writableAddress(long ppn) { throw new UnsupportedOperationException("not host memory"); }
    @Override public void watch(long ppn, boolean on) { throw new UnsupportedOperationException("firmware has no code to watch"); }

    @Override public void read(long address, byte[] to, int offset, int length) {
        for (int i = 0; i < length; i++) to[offset + i] = get(address + i);
    }

    @Override public void write(long address, byte[] from, int offset, int length) {
        for (int i = 0; i < length; i++) {
            if (!hole(address + i) && rom(address + i) == null) ram[(int) (address + i)] = from[offset + i];
        }
    }

    @Override public long read(long address, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | get(address + i) & 0xFF;
        return value;
    }

    @Override public void write(long address, int bytes, long value) {
        byte[] data = new byte[bytes];
        for (int i = 0; i < bytes; i++) data[i] = (byte) (value >>> 8 * i);
        write(address, data, 0, bytes);
    }

    @Override public boolean compareAndSet(long address, int bytes, long expected, long value) {
        if (read(address, bytes) != expected) return false;
        write(address, bytes, value);
        return true;
    }

    @Override public void mapRom(long address, byte[] image) {
        if ((address & PAGE_SIZE - 1) != 0) throw new IllegalArgumentException("ROM at " + address + " is not page-aligned");
        byte[] pages = Arrays.copyOf(image, image.length + PAGE_SIZE - 1 & -PAGE_SIZE);
        Arrays.fill(pages, image.length, pages.length, (byte) 0xFF);
        roms.put(address, pages);
    }

    @Override public void addListener(PageListener listener) {}
    @Override public void removeListener(PageListener listener) {}

    byte[] bytes(long address, int length) {
        byte[] bytes = new byte[length];
        read(address, bytes, 0, length);
        return bytes;
    }

    /** The text up to a zero byte. */
    String string(long address) {
        StringBuilder text = new StringBuilder();
        for (long at = address; get(at) != 0; at++) text.append((char) (get(at) & 0xFF));
        return text.toString();
    }
}
