package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.WideDirectoryEntry;

/** A directory as its descriptor says that it is: names in slots. Not changed by changes of the directory. [VMFS] sections 8 and 10 */
public final class Directory {
    /** More than all descriptors that there can be. */
    private static final long MAX_BYTES = 1 << 30;

    private final Geometry geometry;
    private final Metadata metadata;
    private final FileDescriptor descriptor;
    private final BlockMap blocks;
    private final int slots;

    /** @param descriptor of type DIRECTORY @throws VolumeDamagedException if its length cannot be that of a directory */
    public Directory(Geometry geometry, Metadata metadata, FileDescriptor descriptor) throws IOException {
        this.geometry = geometry;
        this.metadata = metadata;
        this.descriptor = descriptor;
        blocks = geometry.blocks(metadata, descriptor);
        long length = descriptor.length();
        boolean wide = geometry.generation() == Generation.VMFS6;
        boolean fits = length <= MAX_BYTES && (wide ? length >= WideDirectoryEntry.HEADER_BYTES && length % WideDirectoryEntry.BLOCK_BYTES == 0 : length % DirectoryEntry.BYTES == 0);
        if (!fits) {
            long at = geometry.descriptorAt(descriptor.address(), 0) + geometry.generation().sectorBytes() + 0x14;
            throw new VolumeDamagedException(geometry.name(), at, "a directory of " + length + " bytes");
        }
        slots = (int) (wide ? (length - WideDirectoryEntry.HEADER_BYTES) / WideDirectoryEntry.BLOCK_BYTES * WideDirectoryEntry.BLOCK_ENTRIES : length / DirectoryEntry.BYTES);
    }

    public FileDescriptor descriptor() { return descriptor; }

    /** Places for names; on VMFS-3 and -5 all are in use, {@code .} and {@code ..} first. */
    public int slots() { return slots; }

    /** @return null if there is no name, on VMFS-6 */
    public DirectoryItem item(int slot) throws IOException {
        return geometry.generation() == Generation.VMFS6 ? wide(slot) : narrow(slot);
    }

    private DirectoryItem narrow(int slot) throws IOException {
        long position = (long) slot * DirectoryEntry.BYTES;
        long at = blocks.locate(position);
        DirectoryEntry entry = new DirectoryEntry(blocks.read(metadata, position, DirectoryEntry.BYTES));
        return new DirectoryItem(slot, at, entry.type(), entry.address(), entry.generation(), entry.name());
    }

    private DirectoryItem wide(int slot) throws IOException {
        long block = WideDirectoryEntry.HEADER_BYTES + (long) (slot / WideDirectoryEntry.BLOCK_ENTRIES) * WideDirectoryEntry.BLOCK_BYTES;
        int inBlock = slot % WideDirectoryEntry.BLOCK_ENTRIES;
        if (!WideDirectoryEntry.used(blocks.read(metadata, block, WideDirectoryEntry.BLOCK_HEADER_BYTES), inBlock)) return null;
        return wide(slot, block + WideDirectoryEntry.BLOCK_HEADER_BYTES + (long) inBlock * WideDirectoryEntry.BYTES);
    }

    private DirectoryItem wide(int slot, long position) throws IOException {
        WideDirectoryEntry entry = new WideDirectoryEntry(blocks.read(metadata, position, WideDirectoryEntry.BYTES));
        return new DirectoryItem(slot, blocks.locate(position), entry.type(), entry.address(), entry.generation(), entry.name());
    }

    /** The directory itself and its parent as the directory has them. */
    public DirectoryItem self() throws IOException { return geometry.generation() == Generation.VMFS6 ? wide(-1, WideDirectoryEntry.SELF) : narrow(0); }

    public DirectoryItem parent() throws IOException { return geometry.generation() == Generation.VMFS6 ? wide(-1, WideDirectoryEntry.PARENT) : narrow(1); }

    /** @param visitor called with all names but {@code .} and {@code ..}, in their order on disk */
    public void forEach(Visitor visitor) throws IOException {
        for (int slot = 0; slot < slots; slot++) {
            DirectoryItem item = item(slot);
            if (item != null && !item.dots()) visitor.visit(item);
        }
    }

    /** Looks at one name after the other. @return null if there is no such name */
    public DirectoryItem find(String name) throws IOException {
        if (name.equals(".")) return self();
        if (name.equals("..")) return parent();
        for (int slot = 0; slot < slots; slot++) {
            DirectoryItem item = item(slot);
            if (item != null && item.name().equals(name)) return item;
        }
        return null;
    }

    /** Takes a name. */
    @FunctionalInterface
    public interface Visitor {
        void visit(DirectoryItem item) throws IOException;
    }

}
