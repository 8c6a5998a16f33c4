package vmfs.impl.mkfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import vmfs.impl.format.Address;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.ExtentEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.LockSector;
import vmfs.impl.format.LvmHeader;
import vmfs.impl.format.ResourceHeader;
import vmfs.impl.format.Uuid;
import vmfs.impl.format.VolumeEntry;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.storage.BlockDevice;

/**
 * Makes an empty volume on a device. The old headers go first and the file system's new header is written last, so that a power cut leaves
 * the old volume, none, or the new one. [VMFS] section 11, rule 1
 */
public final class Formatter {
    /** Of the hidden file that has the journal. */
    public static final String JOURNAL_NAME = ".hvj.sf";
    private static final int MIB = Plan.MIB;
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(MIB).asReadOnlyBuffer();

    private final BlockDevice device;
    private final Plan plan;
    private final String label;
    private final Output out;
    private final long now = System.currentTimeMillis();
    private final SecureRandom random = new SecureRandom();
    private final Uuid fileSystem = uuid(), volume = uuid(), host = uuid();
    private final List<SystemFile> files = new ArrayList<>();

    /** @param item its descriptor's number */
    private record SystemFile(int item, String name, int type, int links, int mode, long length, long[] blocks) {
        int address() { return Address.descriptor(0, item); }
    }

    private Formatter(BlockDevice device, Plan plan, String label, Progress progress) {
        this.device = device;
        this.plan = plan;
        this.label = label;
        out = new Output(device, progress, plan.fileBlocks().fileBytes() + plan.descriptors().fileBytes() + 4L * MIB);
    }

    /** @throws IOException in one line: what the options or the device lack */
    public static void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException {
        Generation generation = switch (options.type().toLowerCase(Locale.ROOT)) {
            case "vmfs5" -> Generation.VMFS5;
            case "vmfs3" -> Generation.VMFS3;
            case "vmfs6" -> throw new IOException(device.name() + ": VMFS-6 is only read; make it vmfs5 or vmfs3");
            default -> throw new IOException(device.name() + ": no kind of VMFS: " + options.type() + "; make it vmfs5 or vmfs3");
        };
        int blockBytes = options.blockBytes() == 0 ? MIB : options.blockBytes();
        boolean fits = generation == Generation.VMFS5 ? blockBytes == MIB : blockBytes == MIB || blockBytes == 2 * MIB || blockBytes == 4 * MIB || blockBytes == 8 * MIB;
        if (!fits) throw new IOException(device.name() + ": blocks of " + blockBytes + " bytes; VMFS-5 has 1 MiB, VMFS-3 has 1, 2, 4 or 8 MiB");
        requireLabel(device, options.label());
        if (device.readOnly()) throw new IOException(device.name() + ": is write-protected");
        if (device.blockBytes() != 512) throw new IOException(device.name() + ": has blocks of " + device.blockBytes() + " bytes; VMFS-5 and VMFS-3 need 512");
        Plan plan = Plan.of(device.name(), generation, blockBytes, device.blocks() * device.blockBytes());
        try (BlockDevice.Reservation alone = device.reserve()) {
            new Formatter(device, plan, options.label(), progress).run();
        }
    }

    /** @throws IOException in one line, unless a volume can have the label */
    public static void requireLabel(Object where, String label) throws IOException {
        boolean bad = label.isBlank() || label.contains("/") || label.chars().anyMatch(c -> c < ' ');
        if (bad) throw new IOException(where + ": a label has neither slashes nor control characters, and is not empty: \"" + label + "\"");
        if (label.getBytes(StandardCharsets.UTF_8).length >= FsHeader.LABEL_BYTES) throw new IOException(where + ": a label has at most 127 bytes in UTF-8: " + label);
    }

    private Uuid uuid() { return new Uuid((int) (now / 1000), random.nextInt(), random.nextInt(1 << 16), random.nextLong() & 0xFDFFFFFFFFFFL | 0x020000000000L); }

    private void run() throws IOException {
        out.device(LvmHeader.AT, zeros(1024));
        out.volume(Generation.FS_HEADER, zeros(512));
        out.flush();
        logicalVolume();
        systemFiles();
        clusters(plan.fileBlocks(), plan.fileBlockBlocks(), plan.used());
        descriptors();
        clusters(plan.pointers(), plan.pointerBlocks(), 0);
        clusters(plan.subBlocks(), plan.subBlockBlocks(), 0);
        if (plan.secondLevel() != null) clusters(plan.secondLevel(), plan.secondBlocks(), 0);
        directories();
        block(plan.journal(), zeros(Plan.JOURNAL_BYTES));
        heartbeats();
        out.flush();
        out.volume(Generation.FS_HEADER, header());
        out.flush();
    }

    private void logicalVolume() throws IOException {
        Generation generation = plan.generation();
        ByteBuffer bytes = fresh(LvmHeader.BYTES);
        LvmHeader header = new LvmHeader(bytes);
        header.magic(LvmHeader.MAGIC);
        header.major(generation.major());
        boolean three = generation == Generation.VMFS3;
        header.minor(three ? 0x10 : 0x15);
        String id = three ? "vmhba0:C0:T0:L0" : "vmhba0:0:0";
        header.idType(1);
        header.idBytes(id.length());
        header.inquiry(String.format("%-8.8s%-16.16s%-4.4s", device.unit().vendor(), device.unit().model(), device.unit().revision()).replaceAll("[^ -~]", " "));
        header.lun(device.unit().lun());
        header.id(id);
        header.sectorBytes(512);
        long deviceBytes = device.blocks() * device.blockBytes();
        header.deviceBytes(three ? deviceBytes : deviceBytes - 0x100000 + 0x200);
        header.volumes(1);
        header.extents(plan.extents());
        header.lastExtent(plan.extents() - 1);
        header.generation(3);
        header.dataOffset(LvmHeader.DATA);
        header.device(uuid());
        header.created(now * 1000);
        header.modified(now * 1000);
        header.extentMaps(three ? 0 : 1);
        out.device(LvmHeader.AT, bytes);
        out.device(LvmHeader.volumeTable(generation), volumeEntry());
        for (int i = 1; i < 512; i++) out.device(LvmHeader.volumeTable(generation) + (long) i * VolumeEntry.BYTES, zeros(VolumeEntry.BYTES));
        ByteBuffer names = fresh(LvmHeader.DEVICE_NAMES * LvmHeader.DEVICE_NAME_BYTES);
        if (!three) names.put(0, ("mpx." + id.replace("vmhba0:0:0", "vmhba0:C0:T0:L0") + ":1").getBytes(StandardCharsets.US_ASCII));
        out.device(LvmHeader.deviceNames(generation), names);
        extentTable();
    }

    private ByteBuffer volumeEntry() {
        VolumeEntry entry = new VolumeEntry(fresh(VolumeEntry.BYTES));
        entry.volumeBytes(plan.volumeBytes());
        entry.generation(2);
        entry.state(1);
        entry.name(volume.toString());
        entry.volume(volume);
        entry.snapshot(1);
        entry.created(now * 1000);
        entry.extents(plan.extents());
        entry.lastExtent(plan.extents() - 1);
        entry.modified(now * 1000);
        entry.devices(1);
        return entry.bytes();
    }

    /** LIMIT: the table has 8192 entries; where ESX notes the extents of a device of more than 2 TiB is not known, and no reader needs them. */
    private void extentTable() throws IOException {
        Generation generation = plan.generation();
        int count = Math.min(plan.extents(), 8192);
        ByteBuffer bitmap = fresh(LvmHeader.extentBitmapBytes(generation));
        ByteBuffer table = fresh(8192 * ExtentEntry.BYTES);
        for (int i = 0; i < count; i++) {
            bitmap.put(i / 8, (byte) (bitmap.get(i / 8) | 1 << i % 8));
            ExtentEntry entry = new ExtentEntry(table.position(i * ExtentEntry.BYTES));
            entry.used(true);
            entry.number(i);
            entry.device(LvmHeader.DATA + i * LvmHeader.EXTENT_BYTES);
            entry.logical(i * LvmHeader.EXTENT_BYTES);
            entry.length(LvmHeader.EXTENT_BYTES);
            entry.version(1);
        }
        out.device(LvmHeader.extentBitmap(generation), bitmap);
        out.device(LvmHeader.extentTable(generation), table.clear());
    }

    private void systemFiles() {
        boolean three = plan.generation() == Generation.VMFS3;
        long bs = plan.blockBytes();
        files.add(new SystemFile(0, ".", FileDescriptor.DIRECTORY, three ? 2 : 3, 01755, DirectoryEntry.BYTES * (three ? 8 : 10), new long[] {plan.root()}));
        files.add(new SystemFile(1, ".fbb.sf", FileDescriptor.SYSTEM, 1, 0400, plan.fileBlocks().fileBytes(), plan.fileBlockBlocks()));
        long[] descriptors = plan.descriptorBlocks();
        files.add(new SystemFile(2, ".fdc.sf", FileDescriptor.SYSTEM, 1, 0400, descriptors.length * bs, descriptors));
        files.add(new SystemFile(3, ".pbc.sf", FileDescriptor.SYSTEM, 1, 0400, plan.pointers().fileBytes(), plan.pointerBlocks()));
        files.add(new SystemFile(4, ".sbc.sf", FileDescriptor.SYSTEM, 1, 0400, plan.subBlocks().fileBytes(), plan.subBlockBlocks()));
        files.add(new SystemFile(5, ".vh.sf", FileDescriptor.SYSTEM, 1, 0400, plan.descriptorStart() * bs, Plan.run(0, plan.descriptorStart())));
        if (!three) {
            files.add(new SystemFile(6, ".pb2.sf", FileDescriptor.SYSTEM, 1, 0400, plan.secondLevel().fileBytes(), plan.secondBlocks()));
            files.add(new SystemFile(7, ".sdd.sf", FileDescriptor.SYSTEM, 2, 040700, 2 * DirectoryEntry.BYTES, new long[] {plan.systemDirectory()}));
        }
        files.add(new SystemFile(three ? 6 : 8, JOURNAL_NAME, FileDescriptor.FILE, 1, 0400, Plan.JOURNAL_BYTES, new long[] {plan.journal()}));
    }

    /** Writes the header of a resource file and those of its clusters. @param used items from the first that are taken */
    private void clusters(Layout layout, long[] blocks, int used) throws IOException {
        resourceHeader(layout, blocks);
        for (long group = 0; group < layout.groups(); group++) file(blocks, layout.group(group), heads(layout, group, blocks, used));
    }

    private void resourceHeader(Layout layout, long[] blocks) throws IOException {
        ResourceHeader header = new ResourceHeader(fresh(Layout.FIRST_GROUP));
        header.items(layout.items());
        header.clusters(layout.clusters());
        header.firstGroup(Layout.FIRST_GROUP);
        header.itemBytes(layout.itemBytes());
        header.groupBytes(layout.groupBytes());
        header.total(layout.total());
        header.groups((int) layout.groups());
        file(blocks, 0, header.bytes());
    }

    private ByteBuffer heads(Layout layout, long group, long[] blocks, int used) {
        ByteBuffer heads = fresh(layout.headBytes());
        for (int i = 0; i < layout.clusters(); i++) {
            long number = group * layout.clusters() + i;
            if (number < layout.clusterCount()) cluster(layout, number, place(blocks, layout.group(group) + (long) i * Layout.CLUSTER_BYTES), used, heads.position(i * Layout.CLUSTER_BYTES));
        }
        return heads.clear();
    }

    private void cluster(Layout layout, long number, long address, int used, ByteBuffer bytes) {
        Cluster cluster = new Cluster(plan.generation(), bytes);
        lock(cluster.lock(), layout.lockType(), address);
        long first = number * layout.items();
        int total = (int) Math.min(layout.items(), layout.total() - first);
        int taken = (int) Math.max(0, Math.min(total, used - first));
        cluster.number((int) number);
        cluster.total(total);
        cluster.free(total - taken);
        cluster.firstFree(taken == total ? 0 : taken);
        for (int i = taken; i < total; i++) cluster.free(i, true);
        if (layout.lockType() == LockSector.DESCRIPTORS && taken > 0) cluster.lastGeneration(1);
    }

    private static void lock(LockSector lock, int type, long address) {
        lock.type(type);
        lock.address(address);
        lock.token(1);
    }

    /** All descriptors are written, so that none of an older volume shows. */
    private void descriptors() throws IOException {
        Layout layout = plan.descriptors();
        long[] blocks = plan.descriptorBlocks();
        clusters(layout, blocks, files.size());
        for (long group = 0; group < layout.groups(); group++) {
            long end = Math.min(layout.group(group + 1), blocks.length * (long) plan.blockBytes());
            for (long at = layout.group(group) + layout.headBytes(); at < end; at += MIB) file(blocks, at, zeros((int) Math.min(MIB, end - at)));
        }
        for (SystemFile file : files) file(blocks, layout.item(file.item), descriptor(file, place(blocks, layout.item(file.item))));
    }

    private ByteBuffer descriptor(SystemFile file, long address) {
        FileDescriptor descriptor = new FileDescriptor(plan.generation(), fresh(2048));
        lock(descriptor.lock(), LockSector.DESCRIPTOR, address);
        descriptor.address(file.address());
        descriptor.generation(1);
        descriptor.links(file.links);
        descriptor.type(file.type);
        descriptor.length(file.length);
        descriptor.blockBytes(plan.blockBytes());
        descriptor.blocks(file.blocks.length);
        descriptor.modified(now / 1000);
        descriptor.changed(now / 1000);
        descriptor.accessed(now / 1000);
        descriptor.mode(file.mode);
        descriptor.form(FileDescriptor.FILE_BLOCKS);
        for (int i = 0; i < file.blocks.length; i++) descriptor.block(i, Address.fileBlock(file.blocks[i]));
        if (plan.generation() == Generation.VMFS5) {
            descriptor.newBlocks(file.blocks.length);
            descriptor.affinity(file.address());
            descriptor.zeroingShift(20);
            descriptor.blockShift(20);
        }
        return descriptor.bytes();
    }

    private void directories() throws IOException {
        SystemFile root = files.get(0);
        ByteBuffer bytes = fresh(plan.blockBytes());
        int at = 0;
        entry(bytes, at++, root, ".");
        entry(bytes, at++, root, "..");
        for (SystemFile file : files.subList(1, files.size())) entry(bytes, at++, file, file.name);
        block(plan.root(), bytes);
        if (plan.generation() == Generation.VMFS3) return;
        bytes = fresh(plan.blockBytes());
        entry(bytes, 0, files.get(7), ".");
        entry(bytes, 1, root, "..");
        block(plan.systemDirectory(), bytes);
    }

    private static void entry(ByteBuffer directory, int slot, SystemFile file, String name) {
        DirectoryEntry entry = new DirectoryEntry(directory.slice(slot * DirectoryEntry.BYTES, DirectoryEntry.BYTES));
        entry.type(file.type);
        entry.address(file.address());
        entry.generation(1);
        entry.name(name);
    }

    private void heartbeats() throws IOException {
        int slots = plan.generation().heartbeats();
        ByteBuffer bytes = fresh(slots * Heartbeat.BYTES);
        for (int i = 0; i < slots; i++) {
            Heartbeat heartbeat = new Heartbeat(bytes.slice(i * Heartbeat.BYTES, Heartbeat.BYTES));
            heartbeat.magic(Heartbeat.FREE);
            heartbeat.address(plan.generation().heartbeat(i));
        }
        out.volume(0, zeros(MIB));
        out.volume(MIB, zeros(MIB));
        out.volume(Generation.FS_HEADER, zeros(MIB)); // without the header
        out.volume(Generation.HEARTBEATS, bytes);
    }

    private ByteBuffer header() {
        FsHeader header = new FsHeader(fresh(FsHeader.BYTES));
        boolean three = plan.generation() == Generation.VMFS3;
        header.magic(FsHeader.MAGIC);
        header.major(three ? 4 : 14);
        header.minor(three ? 31 : 81);
        header.uuid(fileSystem);
        header.flags(three ? FsHeader.PUBLIC : FsHeader.PUBLIC | FsHeader.DENSE_SUB_BLOCKS);
        header.label(label);
        header.sectorBytes(512);
        header.blockBytes(plan.blockBytes());
        header.created(now / 1000);
        header.snapshot(1);
        header.volume(volume);
        header.volumeSnapshot(1);
        header.descriptorGroup(Layout.FIRST_GROUP);
        header.descriptorClusters(plan.descriptors().clusters());
        header.subBlockBytes(plan.subBlocks().itemBytes());
        header.journalSlots(three ? 0 : 8);
        if (!three) {
            long[] blocks = plan.descriptorBlocks();
            header.pointerBlock2At(place(blocks, plan.descriptors().item(6)));
            header.pointerBlock2(Address.descriptor(0, 6));
            header.systemDirectoryAt(place(blocks, plan.descriptors().item(7)));
            header.systemDirectory(Address.descriptor(0, 7));
        }
        header.host(host);
        header.generation(1);
        return header.bytes();
    }

    private void block(long number, ByteBuffer bytes) throws IOException { out.volume(number * plan.blockBytes(), bytes); }

    /** Writes at a place of a file, across its blocks. */
    private void file(long[] blocks, long at, ByteBuffer bytes) throws IOException {
        for (int done = 0, part; done < bytes.limit(); done += part) {
            part = (int) Math.min(bytes.limit() - done, plan.blockBytes() - (at + done) % plan.blockBytes());
            out.volume(place(blocks, at + done), bytes.slice(done, part));
        }
    }

    private long place(long[] blocks, long at) { return blocks[(int) (at / plan.blockBytes())] * plan.blockBytes() + at % plan.blockBytes(); }

    private static ByteBuffer zeros(int bytes) { return ZEROS.slice(0, bytes); }

    private static ByteBuffer fresh(int bytes) { return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN); }
}
