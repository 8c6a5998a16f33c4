package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;

/**
 * Where the bytes of a file are: addresses from its descriptor and its pointer blocks, which are read when they are needed and kept
 * as they are on disk, 4 KiB for 1024 blocks. It is as old as the descriptor that it was made of. Any thread. [VMFS] section 7
 */
public final class BlockMap {
    /** Pointer blocks that are kept; when there are more all are dropped. 1024 file blocks each. */
    private static final int MAX_KEPT = 8192;

    private final Geometry geometry;
    private final Metadata metadata;
    private final long blockBytes;
    /** Levels of pointer blocks; 0: the descriptor has the addresses; -1: it has the content. */
    private final int depth;
    private final int form;
    private final Node root;
    /** Addresses in a pointer block are 1 &lt;&lt; shift. */
    private final int shift;
    private int kept;

    /** A block full of addresses. @param at where it is in the volume; @param children those of the pointer blocks in it that are known; null if it has none */
    private record Node(long at, ByteBuffer addresses, AtomicReferenceArray<Node> children) { }

    /** @param descriptorAt byte address in the volume @throws IOException if there are no such files */
    public BlockMap(Geometry geometry, Metadata metadata, FileDescriptor descriptor, long descriptorAt) throws IOException {
        this.geometry = geometry;
        this.metadata = metadata;
        Generation generation = geometry.generation();
        form = descriptor.form();
        shift = Integer.numberOfTrailingZeros(generation.pointerBlockAddresses());
        depth = switch (form) {
            case FileDescriptor.FILE_BLOCKS, FileDescriptor.SUB_BLOCKS -> 0;
            case FileDescriptor.POINTER_BLOCKS, FileDescriptor.POINTER_BLOCKS_2 -> 1;
            case FileDescriptor.DOUBLE_POINTER_BLOCKS -> 2;
            case FileDescriptor.CONTENT -> -1;
            default -> throw new VolumeDamagedException(geometry.name(), descriptorAt + generation.sectorBytes() + 0x44, "blocks in an unknown form, ZLA " + form);
        };
        blockBytes = switch (form) {
            case FileDescriptor.SUB_BLOCKS -> geometry.subBlockBytes();
            case FileDescriptor.CONTENT -> generation.contentBytes();
            default -> generation == Generation.VMFS6 && descriptor.blockBytes() == geometry.blockBytes() * Address.SMALL_IN_LARGE ? descriptor.blockBytes() : geometry.blockBytes();
        };
        int first = depth < 0 ? generation.contentOffset() : generation.addressesOffset();
        int bytes = depth < 0 ? 0 : generation.descriptorAddresses() * generation.addressBytes();
        root = node(descriptorAt + first, descriptor.bytes().slice(first, bytes), depth > 0);
    }

    private Node node(long at, ByteBuffer addresses, boolean inner) {
        ByteBuffer copy = ByteBuffer.allocate(addresses.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(addresses).flip();
        return new Node(at, copy, inner ? new AtomicReferenceArray<>(copy.limit() / geometry.generation().addressBytes()) : null);
    }

    /** Of the blocks that the file consists of; what the descriptor itself has is one of them. */
    public long blockBytes() { return blockBytes; }

    /** As {@link FileDescriptor#form}. */
    public int form() { return form; }

    /** Of pointer blocks between the descriptor and the data. */
    public int levels() { return Math.max(0, depth); }

    /** Whether an address may be found there. @param level as {@link #levels}, 0 where the addresses of data are */
    public boolean fits(long address, int level) {
        int type = Address.type(address);
        if (level > 0) return type == (level == 2 || form == FileDescriptor.POINTER_BLOCKS_2 ? Address.POINTER_BLOCK_2 : Address.POINTER_BLOCK);
        if (form == FileDescriptor.SUB_BLOCKS) return type == Address.SUB_BLOCK;
        return type == Address.FILE_BLOCK || type == Address.LARGE_FILE_BLOCK && geometry.generation() == Generation.VMFS6;
    }

    /** How many blocks the file can have in this form. */
    public long reach() { return depth < 0 ? 1 : (long) geometry.generation().descriptorAddresses() << depth * shift; }

    /** True if {@link #address} need not read. */
    public boolean knows(long block) {
        if (depth <= 0 || block >= reach()) return true;
        Node node = root;
        for (int level = depth; level > 0 && node != null; level--) {
            int i = index(block, level);
            if (raw(node, i) == Address.HOLE) return true;
            node = node.children.get(i);
        }
        return node != null;
    }

    /** The address of a block of the file as it is on disk; 0 if it has none. Not of a file whose content is in the descriptor. */
    public long address(long block) throws IOException {
        if (block < 0 || block >= reach() || depth < 0) return Address.HOLE;
        Node node = leaf(block);
        return node == null ? Address.HOLE : raw(node, index(block, 0));
    }

    /** The block with the address of this block, and all of the same; null if there is none. */
    private Node leaf(long block) throws IOException {
        Node node = root;
        for (int level = depth; level > 0 && node != null; level--) node = child(node, index(block, level), level);
        return node;
    }

    private int index(long block, int level) { return level == depth ? (int) (block >>> depth * shift) : (int) (block >>> level * shift) & (1 << shift) - 1; }

    private long raw(Node node, int i) { return geometry.generation() == Generation.VMFS6 ? node.addresses.getLong(i * 8) : node.addresses.getInt(i * 4) & 0xFFFFFFFFL; }

    private Node child(Node node, int i, int level) throws IOException {
        Node known = node.children.get(i);
        if (known != null) return known;
        long address = raw(node, i);
        if (address == Address.HOLE) return null;
        long where = node.at + (long) i * geometry.generation().addressBytes();
        if (!fits(address, level)) throw wrongKind(where, address);
        long at = geometry.locate(address, where);
        Node child = node(at, metadata.read(at, geometry.generation().pointerBlockBytes()), level > 1);
        synchronized (this) {
            if (++kept > MAX_KEPT) forget();
        }
        node.children.set(i, child);
        return child;
    }

    /** Drops the pointer blocks, because they changed or for their room. */
    public synchronized void forget() {
        kept = 0;
        if (root.children != null) for (int i = 0; i < root.children.length(); i++) root.children.set(i, null);
    }

    /** Byte address in the volume of a block's first byte; -1 if it reads as zeros. @throws IOException if there is something wrong with its address */
    public long blockAt(long block) throws IOException {
        if (depth < 0) return block == 0 ? root.at : -1;
        if (block < 0 || block >= reach()) return -1;
        Node node = leaf(block);
        if (node == null) return -1;
        int i = index(block, 0);
        long address = raw(node, i);
        if (address == Address.HOLE || Address.toBeZeroed(geometry.generation(), address)) return -1;
        long where = node.at + (long) i * geometry.generation().addressBytes();
        if (!fits(address, 0)) throw wrongKind(where, address);
        // a large block in a file of small ones: its part that belongs here
        long within = Address.type(address) == Address.LARGE_FILE_BLOCK ? block * blockBytes % (geometry.blockBytes() * Address.SMALL_IN_LARGE) : 0;
        return geometry.locate(address, where) + within;
    }

    /** True if a block can be written where it is: it has one, which is nobody else's and has not to be zeroed before. */
    public boolean writable(long block) throws IOException {
        long address = address(block);
        return address != Address.HOLE && !Address.toBeZeroed(geometry.generation(), address) && !Address.copyOnWrite(address);
    }

    /** Byte address in the volume of a byte of the file; -1 if it reads as zeros. */
    public long at(long position) throws IOException {
        long at = blockAt(position / blockBytes);
        return at < 0 ? -1 : at + position % blockBytes;
    }

    /** Where the bytes end that follow those at a position on the volume, too, or that read as zeros as they do. @param end to look no further than */
    public long together(long position, long end) throws IOException {
        long block = position / blockBytes;
        long first = blockAt(block);
        long next = (block + 1) * blockBytes;
        for (long expected = first; next < end; next += blockBytes) {
            if (first >= 0) expected += blockBytes;
            if (blockAt(++block) != expected) break;
        }
        return Math.min(next, end);
    }

    /** Byte address in the volume of a byte of the file. @throws IOException if it has no block, or a bad one */
    public long locate(long position) throws IOException {
        long at = at(position);
        if (at < 0) throw damaged("there is no block for byte 0x" + Long.toHexString(position) + " of the file");
        return at;
    }

    /** The next block from here that has data (or, if not {@code data}, that reads as zeros); {@code end} if there is none before. */
    public long next(long from, long end, boolean data) throws IOException {
        long block = from;
        for (long last = Math.min(end, reach()); block < last; ) {
            boolean missing = depth > 0 && leaf(block) == null;
            if ((!missing && blockAt(block) >= 0) == data) return block;
            block = missing ? nextSubtree(block) : block + 1;
        }
        return data ? end : Math.min(block, end);
    }

    /** The first block behind the missing pointer block that this one would be found through. */
    private long nextSubtree(long block) throws IOException {
        Node node = root;
        int level = depth;
        for (Node child; (child = child(node, index(block, level), level)) != null; level--) node = child;
        return (block >>> level * shift) + 1 << level * shift;
    }

    /** Content as metadata have it, for directories and links; what has no block is zero. @param bytes at most 16 MiB */
    public ByteBuffer read(Metadata from, long position, int bytes) throws IOException {
        long at = blockAt(position / blockBytes);
        if (at >= 0 && position % blockBytes + bytes <= blockBytes) return from.read(at + position % blockBytes, bytes);
        ByteBuffer all = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (all.hasRemaining()) {
            long here = position + all.position();
            int part = (int) Math.min(all.remaining(), blockBytes - here % blockBytes);
            at = blockAt(here / blockBytes);
            if (at < 0) all.position(all.position() + part); else all.put(from.read(at + here % blockBytes, part));
        }
        return all.flip();
    }

    private VolumeDamagedException wrongKind(long where, long address) { return damagedAt(where, "address 0x" + Long.toHexString(address) + " is of a kind that does not belong there"); }

    /** Something is wrong with the file as a whole. */
    VolumeDamagedException damaged(String what) { return damagedAt(root.at, what); }

    private VolumeDamagedException damagedAt(long address, String what) { return new VolumeDamagedException(geometry.name(), address, what); }
}
