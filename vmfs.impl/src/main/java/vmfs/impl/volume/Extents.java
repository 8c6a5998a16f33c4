package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LvmHeader;
import vmfs.impl.format.Uuid;
import vmfs.impl.format.VolumeEntry;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** A logical volume: one run of bytes on one device or more. Byte addresses in it are what all of VMFS counts in. Any thread. [VMFS] section 1 */
public final class Extents {
    /** The blocks of all devices. */
    public static final int BLOCK = 512;

    /** What a device says of its part. @param first byte in the volume; @param bytes that the device has of it */
    public record Part(BlockDevice device, Generation generation, Uuid volume, int devices, long first, long bytes) {
        /** Reads from this device. @param address in the volume */
        void read(long address, ByteBuffer to) throws IOException { device.read((LvmHeader.DATA + address - first) / BLOCK, to); }
    }

    private final Generation generation;
    private final Uuid volume;
    private final BlockDevice[] devices;
    /** First byte of each device in the volume, and the end. */
    private final long[] starts;

    private Extents(List<Part> parts) {
        generation = parts.get(0).generation;
        volume = parts.get(0).volume;
        devices = new BlockDevice[parts.size()];
        starts = new long[parts.size() + 1];
        for (int i = 0; i < devices.length; i++) {
            devices[i] = parts.get(i).device;
            starts[i] = parts.get(i).first;
            starts[i + 1] = starts[i] + parts.get(i).bytes;
        }
    }

    /** Looks whether a device belongs to a volume. @return null if it does not @throws IOException in one line if it cannot be read, or is damaged */
    public static Part probe(BlockDevice device) throws IOException {
        if (device.blockBytes() != BLOCK || device.blocks() < LvmHeader.DATA / BLOCK) return null;
        LvmHeader header = new LvmHeader(read(device, LvmHeader.AT, LvmHeader.BYTES));
        if (header.magic() != LvmHeader.MAGIC) return null;
        Generation generation = Generation.of(header.major());
        if (generation == null) throw bad(device, LvmHeader.AT + 4, "VMFS of generation " + header.major() + " is not known; 3, 5 and 6 are");
        long table = LvmHeader.volumeTable(generation);
        VolumeEntry entry = new VolumeEntry(read(device, table, VolumeEntry.BYTES));
        if (header.dataOffset() != LvmHeader.DATA) throw bad(device, LvmHeader.AT + 0x7a, "the data begin at " + hex(header.dataOffset()) + " instead of "
            + hex(LvmHeader.DATA));
        if (entry.devices() < 1 || entry.devices() > VolumeEntry.MAX_DEVICES) throw bad(device, table + 0x90, "a volume of " + entry.devices() + " devices");
        return part(device, header, generation, entry, table);
    }

    private static Part part(BlockDevice device, LvmHeader header, Generation generation, VolumeEntry entry, long table) throws IOException {
        long size = LvmHeader.EXTENT_BYTES;
        long last = entry.lastExtent();
        if (entry.firstExtent() < 0 || last < entry.firstExtent() || last >= Long.MAX_VALUE / size) {
            throw bad(device, table + 0x78, "extents " + entry.firstExtent() + " to " + last + " of the volume");
        }
        long bytes = (last - entry.firstExtent() + 1) * size;
        if (entry.volumeBytes() < (last + 1) * size || entry.volumeBytes() > 1L << 50) throw bad(device, table, "a volume of " + entry.volumeBytes()
            + " bytes that ends with extent " + last + " or later");
        long room = device.blocks() * BLOCK - LvmHeader.DATA;
        if (bytes > room) throw bad(device, table + 0x78, "extents to " + last + " take " + bytes + " bytes, the device has room for " + room + "; was it cut?");
        return new Part(device, generation, entry.volume(), entry.devices(), entry.firstExtent() * size, bytes);
    }

    /** @param devices of a volume, all of them, in any order @throws IOException in one line: what is missing or does not fit */
    public static Extents open(List<BlockDevice> devices) throws IOException {
        List<Part> parts = new ArrayList<>();
        for (BlockDevice device : devices) {
            Part part = probe(device);
            if (part == null) throw new IOException(device.name() + ": no VMFS volume: there is no LVM header at " + hex(LvmHeader.AT));
            parts.add(part);
        }
        parts.sort((a, b) -> Long.compare(a.first, b.first));
        long end = 0;
        for (Part part : parts) {
            Part head = parts.get(0);
            if (!part.volume.equals(head.volume)) throw new IOException(part.device.name() + ": belongs to volume " + part.volume + ", not to " + head.volume);
            if (part.devices != parts.size()) throw new IOException(part.device.name() + ": volume " + part.volume + " has " + part.devices + " devices, "
                + parts.size() + " are there");
            if (part.first != end) throw new IOException(part.device.name() + ": begins at byte " + hex(part.first) + " of volume " + part.volume + " where "
                + hex(end) + " is next");
            end = part.first + part.bytes;
        }
        return new Extents(parts);
    }

    public Generation generation() { return generation; }

    /** Of the logical volume, which is not that of the file system. */
    public Uuid volume() { return volume; }

    public long bytes() { return starts[devices.length]; }

    /** The device with the file system's header; reservations are made of this one. */
    public BlockDevice first() { return devices[0]; }

    /** True if one of them can only be read. */
    public boolean readOnly() {
        for (BlockDevice device : devices) if (device.readOnly()) return true;
        return false;
    }

    /** Fills the buffer and waits. @param address multiple of 512; so is what the buffer takes */
    public void read(long address, ByteBuffer to) throws IOException { transfer(BlockOperation.READ, address, to); }

    /** Writes all of the buffer and waits; on stable storage after {@link #flush}. */
    public void write(long address, ByteBuffer from) throws IOException { transfer(BlockOperation.WRITE, address, from); }

    private void transfer(BlockOperation operation, long address, ByteBuffer buffer) throws IOException {
        int end = buffer.limit();
        for (long at = address; buffer.position() < end; ) {
            int device = device(at);
            if (device < 0 || at % BLOCK != 0) throw new IOException(volume + ": no block at byte " + hex(at) + " of the volume");
            int part = (int) Math.min(end - buffer.position(), starts[device + 1] - at);
            buffer.limit(buffer.position() + part);
            long block = block(device, at);
            if (operation == BlockOperation.READ) devices[device].read(block, buffer); else devices[device].write(block, buffer);
            buffer.position(buffer.limit()).limit(end);
            at += part;
        }
    }

    /** Everything that was written is on stable storage. */
    public void flush() throws IOException { for (BlockDevice device : devices) device.flush(); }

    /**
     * Starts a request, as {@link BlockDevice#submit} does.
     *
     * @param address multiple of 512; all of the request is on one device, which {@link #run} tells
     */
    public void submit(BlockOperation operation, long address, Transfer data, Consumer<BlockResult> done) {
        int device = device(address);
        devices[device].submit(operation, block(device, address), data, done);
    }

    /** Bytes from an address to the end of its device; 0 if it is out of the volume. */
    public long run(long address) {
        int device = device(address);
        return device < 0 ? 0 : starts[device + 1] - address;
    }

    public boolean contains(long address, long length) { return address >= 0 && length >= 0 && address <= bytes() - length; }

    /** Devices in their order. */
    public List<BlockDevice> devices() { return List.of(devices); }

    private int device(long address) {
        for (int i = 0; i < devices.length; i++) if (address >= starts[i] && address < starts[i + 1]) return i;
        return -1;
    }

    private long block(int device, long address) { return (LvmHeader.DATA + address - starts[device]) / BLOCK; }

    private static ByteBuffer read(BlockDevice device, long at, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        device.read(at / BLOCK, buffer);
        return buffer.rewind();
    }

    private static IOException bad(BlockDevice device, long at, String what) { return new IOException(device.name() + ": damaged VMFS: " + what + " (byte "
        + hex(at) + " of the device)"); }

    static String hex(long value) { return "0x" + Long.toHexString(value); }
}
