package vmfs.impl.volume;

import java.io.IOException;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LockSector;

/** How a volume is laid out: what never changes while it lives, and from that the place of everything that has an address. Any thread. */
public final class Geometry {
    /** Addresses of the descriptors of the system files: [VMFS] section 5. */
    public static final int FILE_BLOCKS = 0x00400004, DESCRIPTORS = 0x00800004, POINTER_BLOCKS = 0x00c00004, SUB_BLOCKS = 0x01000004, HEARTBEATS = 0x01400004;

    private final FsHeader header;
    private final Generation generation;
    private final String name;
    private final long blockBytes, blocks, volumeBytes;
    private final int subBlockBytes;
    private ResourceFile fileBlocks, largeFileBlocks, descriptors, pointerBlocks, subBlocks, pointerBlocks2;

    private Geometry(Extents extents, FsHeader header) throws IOException {
        this.header = header;
        generation = extents.generation();
        volumeBytes = extents.bytes();
        blockBytes = header.blockBytes();
        subBlockBytes = header.subBlockBytes();
        name = header.label().isEmpty() ? header.uuid().toString() : header.label();
        if (Long.bitCount(blockBytes) != 1 || blockBytes < 65536 || blockBytes > 8 << 20) throw bad(0xa1, "file blocks of " + blockBytes + " bytes");
        if (Integer.bitCount(subBlockBytes) != 1 || subBlockBytes < 512 || subBlockBytes > blockBytes) throw bad(0xd9, "sub-blocks of " + subBlockBytes + " bytes");
        blocks = volumeBytes / blockBytes;
    }

    /** Reads what is needed to find everything else. @throws IOException in one line if there is no file system, or a damaged one */
    public static Geometry read(Extents extents, Metadata metadata) throws IOException {
        FsHeader header = new FsHeader(metadata.read(Generation.FS_HEADER, FsHeader.BYTES));
        String volume = extents.volume().toString();
        if (header.magic() != FsHeader.MAGIC && header.magic() != FsHeader.MAGIC_LOCAL) throw new VolumeDamagedException(volume, Generation.FS_HEADER,
            "no header of a VMFS is there");
        if (header.major() >= 24 != (extents.generation() == Generation.VMFS6)) {
            throw new VolumeDamagedException(volume, Generation.FS_HEADER + 4, "version " + header.major() + " in a volume of VMFS-" + extents.generation().major());
        }
        if (!header.volume().equals(extents.volume())) {
            throw new VolumeDamagedException(volume, Generation.FS_HEADER + 0xb1, "the file system belongs to volume " + header.volume()
                + "; is it a snapshot that was not given a new signature?");
        }
        Geometry geometry = new Geometry(extents, header);
        geometry.findResources(metadata);
        return geometry;
    }

    private void findResources(Metadata metadata) throws IOException {
        descriptors = resource(".fdc.sf", DESCRIPTORS, metadata);
        fileBlocks = resource(".fbb.sf", FILE_BLOCKS, metadata);
        if (generation == Generation.VMFS6) {
            largeFileBlocks = fileBlocks;
            fileBlocks = largeFileBlocks.child(".fbb.sf (small)", this, metadata);
        }
        // before what may be found through it
        if (header.pointerBlock2() != 0 && generation != Generation.VMFS3) pointerBlocks2 = resource(".pb2.sf", header.pointerBlock2(), metadata);
        subBlocks = resource(".sbc.sf", SUB_BLOCKS, metadata);
        pointerBlocks = resource(".pbc.sf", POINTER_BLOCKS, metadata);
        // VMFS-6 keeps pointer blocks among the sub-blocks
        if (generation == Generation.VMFS6 && pointerBlocks.items() == 0) pointerBlocks = subBlocks;
    }

    /** The descriptors of system files are at the beginning of theirs: so the first is found without it. */
    private ResourceFile resource(String file, int address, Metadata metadata) throws IOException {
        long at = systemDescriptorAt(Address.item(generation, address));
        FileDescriptor descriptor = new FileDescriptor(generation, metadata.read(at, generation.descriptorBytes()));
        if (descriptor.address() != address || descriptor.type() != FileDescriptor.SYSTEM) {
            throw new VolumeDamagedException(name, at, "no descriptor of " + file + " is there");
        }
        return ResourceFile.read(file, this, metadata, descriptor, at);
    }

    private long systemDescriptorAt(int item) {
        long group = generation.descriptorFile(blockBytes) + (header.descriptorGroup() & 0xFFFFFFFFL);
        return group + (header.descriptorClusters() & 0xFFFFL) * generation.clusterBytes() + (long) item * generation.descriptorBytes();
    }

    private VolumeDamagedException bad(int offset, String what) { return new VolumeDamagedException(name, Generation.FS_HEADER + offset, what); }

    public FsHeader header() { return header; }

    public Generation generation() { return generation; }

    /** For messages: label, or UUID if there is none. */
    public String name() { return name; }

    /** Of a file block. */
    public long blockBytes() { return blockBytes; }

    /** File blocks in the volume. */
    public long blocks() { return blocks; }

    public int subBlockBytes() { return subBlockBytes; }

    public long volumeBytes() { return volumeBytes; }

    public ResourceFile fileBlocks() { return fileBlocks; }

    /** Of VMFS-6, else null. */
    public ResourceFile largeFileBlocks() { return largeFileBlocks; }

    public ResourceFile descriptors() { return descriptors; }

    public ResourceFile pointerBlocks() { return pointerBlocks; }

    public ResourceFile subBlocks() { return subBlocks; }

    /** Null if there are none, as on VMFS-3. */
    public ResourceFile pointerBlocks2() { return pointerBlocks2; }

    /** The resource file that an address points into; null for file blocks, and if there is no such. */
    public ResourceFile resource(long address) {
        return switch (Address.type(address)) {
            case Address.SUB_BLOCK -> subBlocks;
            case Address.POINTER_BLOCK -> pointerBlocks;
            case Address.DESCRIPTOR -> descriptors;
            case Address.POINTER_BLOCK_2 -> pointerBlocks2;
            default -> null;
        };
    }

    /**
     * Byte address in the volume of what an address points to.
     *
     * @param from byte address in the volume where it was found, for the message
     * @throws VolumeDamagedException if there is nothing of the kind
     */
    public long locate(long address, long from) throws IOException {
        int type = Address.type(address);
        if (type == Address.FILE_BLOCK || type == Address.LARGE_FILE_BLOCK && generation == Generation.VMFS6) {
            long block = Address.block(generation, address);
            long end = type == Address.FILE_BLOCK ? block + 1 : block + Address.SMALL_IN_LARGE;
            if (end > blocks) throw outOfRange(address, from, "file block " + block + " of a volume of " + blocks);
            return block * blockBytes;
        }
        ResourceFile resource = resource(address);
        if (resource == null) throw outOfRange(address, from, "a block of an unknown kind");
        int cluster = Address.cluster(generation, address);
        int item = Address.item(generation, address);
        if (!resource.has(cluster, item)) throw outOfRange(address, from, "item " + item + " of cluster " + cluster + " of " + resource.name() + " that has "
            + resource.clusters() + " clusters of " + resource.items());
        return resource.itemAt(cluster, item);
    }

    private VolumeDamagedException outOfRange(long address, long from, String what) {
        return new VolumeDamagedException(name, from, "address 0x" + Long.toHexString(address) + " points out of range: " + what);
    }

    /** Byte address in the volume of a descriptor. @param from as in {@link #locate} */
    public long descriptorAt(int address, long from) throws IOException {
        if (Address.type(address) != Address.DESCRIPTOR) throw new VolumeDamagedException(name, from, "0x" + Integer.toHexString(address)
            + " is no address of a descriptor");
        return locate(address & 0xFFFFFFFFL, from);
    }

    /** A descriptor that is in use. @throws VolumeDamagedException if it is none */
    public FileDescriptor descriptor(Metadata metadata, int address, long from) throws IOException {
        long at = descriptorAt(address, from);
        FileDescriptor descriptor = new FileDescriptor(generation, metadata.read(at, generation.descriptorBytes()));
        if (descriptor.lock().type() != LockSector.DESCRIPTOR) throw new VolumeDamagedException(name, at, "no descriptor is there");
        if (descriptor.address() != address) throw new VolumeDamagedException(name, at + generation.sectorBytes(), "a descriptor of address 0x"
            + Integer.toHexString(descriptor.address()) + " instead of 0x" + Integer.toHexString(address));
        if (descriptor.type() < FileDescriptor.DIRECTORY || descriptor.type() > FileDescriptor.RDM) throw new VolumeDamagedException(name, at
            + generation.sectorBytes() + 0xc, "a file of an unknown type, " + descriptor.type());
        if (descriptor.length() < 0) throw new VolumeDamagedException(name, at + generation.sectorBytes() + 0x14, "a length of " + descriptor.length() + " bytes");
        return descriptor;
    }

    /** True for the directory of system files, too. */
    public boolean isDirectory(FileDescriptor file) {
        return file.type() == FileDescriptor.DIRECTORY || file.type() == FileDescriptor.SYSTEM && generation != Generation.VMFS3 && file.address() == header.systemDirectory();
    }

    /** The blocks of a file, as a descriptor that came from {@link #descriptor} says. */
    public BlockMap blocks(Metadata metadata, FileDescriptor descriptor) throws IOException {
        return new BlockMap(this, metadata, descriptor, descriptorAt(descriptor.address(), 0));
    }
}
