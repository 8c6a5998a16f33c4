package firmware.bios;

import java.util.Arrays;
import java.util.TreeMap;
import vmkernel.api.memory.GuestMemory;

/** Guest memory on arrays: RAM from 0, without the hole at A0000, and ROM images on top of it. */
final class FakeMemory implements GuestMemory {
    private final byte[][] pages;
    private final TreeMap<Long, byte[]> roms = new TreeMap<>();
    private byte background;

    FakeMemory(int megabytes) { pages = new byte[megabytes << 20 - PAGE_SHIFT][]; }

    /** Fills what is not written yet, as a machine that is reset has it. */
    FakeMemory dirty() {
        background = (byte) 0xA5;
        return this;
    }

    private byte[] rom(long address) {
        var entry = roms.floorEntry(address);
        return entry != null && address < entry.getKey() + entry.getValue().length ? entry.getValue() : null;
    }

    private boolean absent(long address) { return address < 0 || address >= sizeBytes() || address >= 0xA0000 && address < 0x100000; }

    /** Calls for each part of a range that lies within one page. */
    private static void split(long address, int length, Part part) {
        for (int done = 0; done < length; ) {
            int count = Math.min(length - done, PAGE_SIZE - (int) (address + done & PAGE_SIZE - 1));
            part.at(address + done, done, count);
            done += count;
        }
    }

    private interface Part {
        void at(long address, int offset, int count);
    }

    private void readPart(long address, byte[] to, int offset, int count) {
        byte[] rom = rom(address);
        byte[] page = rom != null || absent(address) ? null : pages[(int) (address >> PAGE_SHIFT)];
        if (rom != null) System.arraycopy(rom, (int) (address - roms.floorKey(address)), to, offset, count);
        else if (page != null) System.arraycopy(page, (int) (address & PAGE_SIZE - 1), to, offset, count);
        else Arrays.fill(to, offset, offset + count, absent(address) ? (byte) 0xFF : background);
    }

    private void writePart(long address, byte[] from, int offset, int count) {
        if (absent(address) || rom(address) != null) return;
        int ppn = (int) (address >> PAGE_SHIFT);
        if (pages[ppn] == null) {
            pages[ppn] = new byte[PAGE_SIZE];
            Arrays.fill(pages[ppn], background);
        }
        System.arraycopy(from, offset, pages[ppn], (int) (address & PAGE_SIZE - 1), count);
    }

    @Override public long sizeBytes() { return (long) pages.length << PAGE_SHIFT; }
    @Override public long lowMemoryTop() { return (long) pages.length << PAGE_SHIFT; }
    @Override public long readableAddress(long ppn) { throw new UnsupportedOperationException("not host memory"); }
    @Override public long writableAddress(long ppn) { throw new UnsupportedOperationException("not host memory"); }
    @Override public void watch(long ppn, boolean on) { throw new UnsupportedOperationException("firmware has no code to watch"); }

    @Override public void read(long address, byte[] to, int offset, int length) {
        split(address, length, (at, done, count) -> readPart(at, to, offset + done, count));
    }

    @Override public void write(long address, byte[] from, int offset, int length) {
        split(address, length, (at, done, count) -> writePart(at, from, offset + done, count));
    }

    @Override public long read(long address, int bytes) {
        byte[] data = bytes(address, bytes);
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | data[i] & 0xFF;
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
        for (long at = address; read(at, 1) != 0; at++) text.append((char) read(at, 1));
        return text.toString();
    }
}
