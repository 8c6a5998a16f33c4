package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LockSector;
import vmfs.impl.journal.Transaction;

/**
 * A file inside a transaction: its descriptor, its blocks and how they are found. What is in sub-blocks goes through the journal, with the
 * metadata; what is in file blocks is written to its place, before the transaction is. Bytes behind a file's end are undefined until it
 * grows over them. VMFS-3 and -5. [VMFS] sections 7 and 11
 */
final class FileEditor {
    /** Sectors that one transaction of a long change takes at most, so that others fit into its group. */
    private static final int MANY_SECTORS = 300;
    /** As many blocks does one transaction zero. */
    private static final int BLOCKS_AT_ONCE = 16;

    private final Writing volume;
    private final Geometry geometry;
    private final Transaction transaction;
    private final long at;
    private final FileDescriptor descriptor;

    private FileEditor(Writing volume, Transaction transaction, long at, FileDescriptor descriptor) {
        this.volume = volume;
        this.geometry = volume.geometry();
        this.transaction = transaction;
        this.at = at;
        this.descriptor = descriptor;
    }

    /** Of a file that there is. @param generation that the file has to have; 0 for any */
    static FileEditor of(Writing volume, Transaction transaction, int address, int generation) throws IOException {
        Geometry geometry = volume.geometry();
        FileDescriptor before = geometry.descriptor(transaction, address, 0);
        if (generation != 0 && before.generation() != generation) throw new java.nio.file.NoSuchFileException(null, null, "the file was deleted");
        long at = geometry.descriptorAt(address, 0);
        FileDescriptor descriptor = new FileDescriptor(geometry.generation(), transaction.change(at, geometry.generation().descriptorBytes()));
        return new FileEditor(volume, transaction, at, descriptor);
    }

    /** A new file, empty and without a name. @param type as in {@link FileDescriptor#type} */
    static FileEditor create(Writing volume, Transaction transaction, int type, int mode) throws IOException {
        Geometry geometry = volume.geometry();
        Allocator.NewDescriptor fresh = volume.allocator().descriptor(transaction);
        long at = geometry.descriptorAt(fresh.address(), 0);
        FileDescriptor descriptor = new FileDescriptor(geometry.generation(), transaction.change(at, geometry.generation().descriptorBytes()));
        LockSector lock = descriptor.lock();
        long token = lock.type() == LockSector.DESCRIPTOR && lock.address() == at ? lock.token() : 0;
        ByteBuffer bytes = descriptor.bytes();
        bytes.put(0, new byte[bytes.limit()]);
        lock.type(LockSector.DESCRIPTOR);
        lock.address(at);
        lock.token(token + 1);
        descriptor.address(fresh.address());
        descriptor.generation(fresh.generation());
        descriptor.type(type);
        descriptor.links(type == FileDescriptor.DIRECTORY ? 2 : 1);
        descriptor.mode(mode);
        long now = volume.seconds();
        descriptor.modified(now);
        descriptor.changed(now);
        descriptor.accessed(now);
        FileEditor editor = new FileEditor(volume, transaction, at, descriptor);
        if (geometry.generation() == Generation.VMFS5) descriptor.affinity(fresh.address());
        editor.form(FileDescriptor.SUB_BLOCKS);
        return editor;
    }

    /** Gives it its first block, whose content is there already. */
    void adopt(long block, long length) throws IOException {
        form(FileDescriptor.FILE_BLOCKS);
        place(0, Address.fileBlock(block));
        descriptor.length(length);
    }

    FileDescriptor descriptor() { return descriptor; }

    /** The descriptor as it is now, unchanged by what comes. */
    FileDescriptor copy() {
        ByteBuffer now = descriptor.bytes();
        return new FileDescriptor(geometry.generation(), ByteBuffer.allocate(now.limit()).put(now.duplicate().clear()).clear());
    }

    Transaction transaction() { return transaction; }

    int address() { return descriptor.address(); }

    void modifiedNow() {
        descriptor.modified(volume.seconds());
        changedNow();
    }

    /** This is a new version of it. */
    void changedNow() {
        descriptor.changed(volume.seconds());
        descriptor.lock().token(descriptor.lock().token() + 1);
    }

    private void form(int form) {
        descriptor.form(form);
        int blockBytes = form == FileDescriptor.SUB_BLOCKS ? geometry.subBlockBytes() : (int) geometry.blockBytes();
        descriptor.blockBytes(blockBytes);
        if (geometry.generation() != Generation.VMFS5) return;
        int shift = Integer.numberOfTrailingZeros(blockBytes);
        descriptor.zeroingShift(shift);
        descriptor.blockShift(shift);
    }

    private int blockBytes() { return descriptor.form() == FileDescriptor.SUB_BLOCKS ? geometry.subBlockBytes() : (int) geometry.blockBytes(); }

    private boolean inFileBlocks() { return descriptor.form() != FileDescriptor.SUB_BLOCKS && descriptor.form() != FileDescriptor.CONTENT; }

    private BlockMap map() throws IOException { return new BlockMap(geometry, transaction, descriptor, at); }

    private void count(long blocks) {
        descriptor.blocks(descriptor.blocks() + blocks);
        if (geometry.generation() == Generation.VMFS5) descriptor.newBlocks((int) descriptor.blocks());
    }

    /** Makes sure that a byte can be found: {@code end} is behind it. */
    private void reach(long end) throws IOException {
        long most = geometry.generation().descriptorAddresses() * (long) geometry.generation().pointerBlockAddresses() * geometry.blockBytes();
        if (end > most && end > descriptor.length()) throw new IOException("a file of " + end + " bytes; files of " + geometry.name() + " are written up to " + most);
        if (descriptor.form() == FileDescriptor.CONTENT) contentToSubBlock();
        // files have one sub-block, directories as many as there are addresses
        long subBlocks = descriptor.type() == FileDescriptor.DIRECTORY ? geometry.generation().descriptorAddresses() : 1;
        boolean tooLong = end > subBlocks * geometry.subBlockBytes();
        boolean noneLeft = descriptor.blocks() * geometry.subBlockBytes() < end && !volume.allocator().hasSubBlock(transaction);
        if (descriptor.form() == FileDescriptor.SUB_BLOCKS && (tooLong || noneLeft)) subBlocksToFileBlocks();
        if (descriptor.form() == FileDescriptor.FILE_BLOCKS && end > geometry.generation().descriptorAddresses() * geometry.blockBytes()) fileBlocksToPointers();
    }

    private void contentToSubBlock() throws IOException {
        byte[] content = new byte[(int) Math.min(descriptor.length(), geometry.generation().contentBytes())];
        descriptor.content().get(0, content);
        descriptor.content().put(0, new byte[geometry.generation().contentBytes()]);
        form(FileDescriptor.SUB_BLOCKS);
        descriptor.blocks(0);
        count(0);
        if (content.length > 0) transaction.put(subBlock(0), ByteBuffer.wrap(content));
    }

    private void subBlocksToFileBlocks() throws IOException {
        BlockMap before = map();
        long end = Math.min(descriptor.length(), before.reach() * before.blockBytes());
        int per = (int) geometry.blockBytes();
        int[] old = new int[geometry.generation().descriptorAddresses()];
        for (int i = 0; i < old.length; i++) {
            old[i] = (int) descriptor.block(i);
            descriptor.block(i, Address.HOLE);
        }
        form(FileDescriptor.FILE_BLOCKS);
        descriptor.blocks(0);
        count(0);
        for (long from = 0; from < end; from += per) {
            if (before.next(from / before.blockBytes(), (from + per) / before.blockBytes(), true) * before.blockBytes() >= from + per) continue;
            ByteBuffer whole = ByteBuffer.allocate(per);
            whole.put(before.read(transaction, from, (int) Math.min(per, end - from)));
            long[] block = volume.allocator().fileBlocks(transaction, 1, -1);
            place(from / per, Address.fileBlock(block[0]));
            data(block[0] * geometry.blockBytes(), whole.clear());
        }
        for (int address : old) if (address != Address.HOLE) free(address, Address.SUB_BLOCK);
    }

    private void fileBlocksToPointers() throws IOException {
        byte[] addresses = new byte[geometry.generation().descriptorAddresses() * Integer.BYTES];
        descriptor.content().get(0, addresses);
        descriptor.content().put(0, new byte[addresses.length]);
        form(FileDescriptor.POINTER_BLOCKS);
        if (descriptor.blocks() == 0) return;
        transaction.put(child(slot(0, 1, true), Address.POINTER_BLOCK, true), ByteBuffer.wrap(addresses));
    }

    /** Levels of pointer blocks. */
    private int depth() { return descriptor.form() == FileDescriptor.POINTER_BLOCKS ? 1 : descriptor.form() == FileDescriptor.DOUBLE_POINTER_BLOCKS ? 2 : 0; }

    /** Blocks that one address of a level leads to. */
    private long span(int level) {
        long span = 1;
        for (int i = 0; i < level; i++) span *= geometry.generation().pointerBlockAddresses();
        return span;
    }

    /**
     * Where the address is noted that leads to a block: four bytes, to be changed.
     *
     * @param level 0: the block's own; 1: that of the pointer block which notes that; @param make what leads there
     * @return null if there is nothing that leads there
     */
    private ByteBuffer slot(long block, int level, boolean make) throws IOException {
        int depth = depth();
        ByteBuffer slot = descriptor.content().slice((int) (block / span(depth)) * Integer.BYTES, Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int here = depth; here > level; here--) {
            long place = child(slot, here == 2 ? Address.POINTER_BLOCK_2 : Address.POINTER_BLOCK, make);
            if (place < 0) return null;
            int at = (int) (block / span(here - 1) % geometry.generation().pointerBlockAddresses()) * Integer.BYTES;
            slot = transaction.change(place + at / Extents.BLOCK * Extents.BLOCK, Extents.BLOCK).slice(at % Extents.BLOCK, Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        }
        return slot;
    }

    /** Byte address of the pointer block that is noted; -1 if there is none. @param make one, full of holes */
    private long child(ByteBuffer slot, int type, boolean make) throws IOException {
        int address = slot.getInt(0);
        if (address == Address.HOLE && !make) return -1;
        if (address != Address.HOLE) return locate(address, type);
        address = volume.allocator().pointerBlock(transaction, type);
        slot.putInt(0, address);
        transaction.put(locate(address, type), ByteBuffer.allocate(geometry.generation().pointerBlockBytes()));
        if (geometry.generation() == Generation.VMFS5) descriptor.pointerBlocks(descriptor.pointerBlocks() + 1);
        return locate(address, type);
    }

    /** Byte address of what an address points to. @throws VolumeDamagedException unless that is of the type that belongs there */
    private long locate(int address, int type) throws IOException {
        if (Address.type(address) != type) throw new VolumeDamagedException(geometry.name(), at, "address 0x" + Integer.toHexString(address) + " in the file is of a kind that does not belong there");
        return geometry.locate(address & 0xFFFFFFFFL, at);
    }

    /** Notes the address of a block. */
    private void place(long block, int address) throws IOException {
        slot(block, 0, true).putInt(0, address);
        count(1);
    }

    /** Byte address of a sub-block of the file, which is made if there is none. */
    private long subBlock(int number) throws IOException {
        long address = descriptor.block(number);
        if (address == Address.HOLE) {
            address = volume.allocator().subBlock(transaction) & 0xFFFFFFFFL;
            place(number, (int) address);
            transaction.put(geometry.locate(address, at), ByteBuffer.allocate(geometry.subBlockBytes()));
        }
        return locate((int) address, Address.SUB_BLOCK);
    }

    /** Writes to file blocks, past the journal; the transaction waits for it. @param place whole sectors */
    private void data(long place, ByteBuffer from) throws IOException {
        volume.extents().write(place, from);
        transaction.dataWritten();
    }

    /** Writes bytes at any place of file blocks. */
    private void bytes(long place, ByteBuffer from) throws IOException {
        volume.sectors().write(place, from);
        transaction.dataWritten();
    }

    /** Writes a piece; the file grows if it ends before. Its holes are filled with file blocks around it. */
    void write(long position, ByteBuffer from) throws IOException {
        long end = position + from.remaining();
        reach(Math.max(end, descriptor.length()));
        if (position > descriptor.length()) clear(descriptor.length(), position);
        if (journaled()) overwrite(position, from); else writeBlocks(position, from);
        if (end > descriptor.length()) descriptor.length(end);
        modifiedNow();
    }

    /** Whether its content goes through the journal. */
    private boolean journaled() { return !inFileBlocks() || descriptor.type() == FileDescriptor.DIRECTORY; }

    /** Writes through the journal, within what can be found. */
    void overwrite(long position, ByteBuffer from) throws IOException {
        int per = blockBytes();
        int end = from.limit();
        for (long here = position; from.position() < end; ) {
            int in = (int) (here % per);
            int part = Math.min(end - from.position(), per - in);
            transaction.put((inFileBlocks() ? directoryBlock(here / per) : subBlock((int) (here / per))) + in, from.limit(from.position() + part));
            from.limit(end);
            here += part;
        }
    }

    /** Byte address of a file block of the directory, which is made if there is none. */
    private long directoryBlock(long block) throws IOException {
        long known = map().blockAt(block);
        if (known >= 0) return known;
        fill(block, block + 1, 0, null);
        long fresh = map().blockAt(block);
        transaction.forget(fresh, geometry.blockBytes()); // it may have been a directory's before
        return fresh;
    }

    private void writeBlocks(long position, ByteBuffer from) throws IOException {
        int per = (int) geometry.blockBytes();
        int end = from.limit();
        fill(position / per, (position + from.remaining() + per - 1) / per, position, from);
        BlockMap map = map();
        for (long here = position; from.position() < end; ) {
            int in = (int) (here % per);
            int part = Math.min(end - from.position(), per - in);
            from.limit(from.position() + part);
            bytes(own(map, here / per) + in, from);
            from.position(from.limit()).limit(end);
            here += part;
        }
    }

    /** Byte address of a block that is written in place. What it shares with another file is copied first. */
    private long own(BlockMap map, long block) throws IOException {
        long address = map.address(block);
        if (Address.toBeZeroed(geometry.generation(), address)) {
            long place = Address.block(geometry.generation(), address) * geometry.blockBytes();
            zeros(place, geometry.blockBytes());
            slot(block, 0, true).putInt(0, Address.fileBlock(Address.block(geometry.generation(), address)));
            descriptor.toBeZeroedBlocks(Math.max(0, descriptor.toBeZeroedBlocks() - 1));
            return place;
        }
        if (!Address.copyOnWrite(address)) return map.blockAt(block);
        ByteBuffer copy = ByteBuffer.allocate((int) geometry.blockBytes());
        volume.extents().read(map.blockAt(block), copy);
        long[] fresh = volume.allocator().fileBlocks(transaction, 1, -1);
        slot(block, 0, true).putInt(0, Address.fileBlock(fresh[0]));
        descriptor.copyOnWriteBlocks(Math.max(0, descriptor.copyOnWriteBlocks() - 1));
        data(fresh[0] * geometry.blockBytes(), copy.flip());
        return fresh[0] * geometry.blockBytes();
    }

    /**
     * Gives blocks to the holes of a range. A new block is zeroed but where what is to be written covers all of it.
     *
     * @param position and data: what is written afterwards; null if nothing is
     */
    private void fill(long first, long end, long position, ByteBuffer data) throws IOException {
        BlockMap map = map();
        long[] holes = new long[(int) (end - first)];
        int count = 0;
        long before = -1;
        for (long block = first; block < end; block++) {
            long address = map.address(block);
            if (address == Address.HOLE) holes[count++] = block;
        }
        if (count == 0) return;
        long previous = first > 0 ? map.address(first - 1) : Address.HOLE;
        if (Address.type(previous) == Address.FILE_BLOCK) before = Address.block(geometry.generation(), previous);
        long[] blocks = volume.allocator().fileBlocks(transaction, count, before);
        long per = geometry.blockBytes();
        for (int i = 0; i < count; i++) {
            place(holes[i], Address.fileBlock(blocks[i]));
            boolean covered = data != null && position <= holes[i] * per && position + data.remaining() >= (holes[i] + 1) * per;
            if (!covered) zeros(blocks[i] * per, per);
        }
    }

    private void zeros(long place, long bytes) throws IOException {
        ByteBuffer zeros = volume.zeros();
        for (long done = 0; done < bytes; done += zeros.remaining()) data(place + done, zeros.slice(0, (int) Math.min(zeros.capacity(), bytes - done)));
    }

    /** Makes bytes zero that are behind the file's end, before it grows over them. Holes stay. */
    private void clear(long from, long to) throws IOException {
        if (descriptor.form() == FileDescriptor.CONTENT) return; // is zeros behind the end
        BlockMap map = map();
        long per = map.blockBytes();
        for (long block = from / per; block * per < to && (block = map.next(block, (to + per - 1) / per, true)) * per < to; block++) {
            long place = map.blockAt(block);
            int first = (int) (Math.max(from, block * per) - block * per), end = (int) (Math.min(to, (block + 1) * per) - block * per);
            if (descriptor.form() == FileDescriptor.SUB_BLOCKS) transaction.put(place + first, ByteBuffer.allocate(end - first));
            else bytes(place + first, ByteBuffer.allocate(end - first));
        }
    }

    /** Makes it longer, with a hole. */
    void extend(long length) throws IOException {
        reach(length);
        clear(descriptor.length(), length);
        descriptor.length(length);
        modifiedNow();
    }

    /** Gives blocks to the holes of a range, or of the first part of it; the file grows if it ends before. @return where to go on */
    long allocate(long position, long end) throws IOException {
        reach(Math.max(end, descriptor.length()));
        long done = inFileBlocks() ? Math.min(end, (position / blockBytes() + BLOCKS_AT_ONCE) * blockBytes()) : end;
        if (done > descriptor.length()) clear(descriptor.length(), done);
        if (inFileBlocks()) ownBlocks(position, done); else if (end > 0) subBlock(0);
        descriptor.length(Math.max(done, descriptor.length()));
        modifiedNow();
        return done;
    }

    /** Makes a range consist of blocks that can be written in place, or the first part of it. It is in file blocks. @return where to go on */
    long own(long position, long end) throws IOException {
        long done = Math.min(end, (position / blockBytes() + BLOCKS_AT_ONCE) * blockBytes());
        ownBlocks(position, done);
        modifiedNow();
        return done;
    }

    private void ownBlocks(long position, long end) throws IOException {
        long per = blockBytes();
        long first = position / per, last = (end + per - 1) / per;
        fill(first, last, 0, null);
        BlockMap map = map();
        for (long block = first; block < last; block++) own(map, block);
    }

    /**
     * Makes it shorter, or as much of the way there as one transaction takes. @return true if it is done
     */
    boolean cut(long length) throws IOException {
        if (descriptor.form() == FileDescriptor.CONTENT) {
            descriptor.content().put((int) length, new byte[geometry.generation().contentBytes() - (int) length]);
            descriptor.length(length);
            modifiedNow();
            return true;
        }
        long per = blockBytes();
        long keep = (length + per - 1) / per;
        long block = last() + 1;
        while (block > keep && transaction.sectors() <= MANY_SECTORS) block = release(block - 1, keep);
        boolean done = block <= keep;
        if (done && depth() == 2) releaseSecondLevel(keep);
        descriptor.length(done ? length : Math.max(length, Math.min(descriptor.length(), block * per)));
        modifiedNow();
        return done;
    }

    /** The last block that could be there: that of the last address in the descriptor. */
    private long last() {
        int i = geometry.generation().descriptorAddresses() - 1;
        while (i >= 0 && descriptor.block(i) == Address.HOLE) i--;
        return (i + 1) * span(depth()) - 1;
    }

    /** Gives back a block and all before it in the same pointer block that are not kept; the pointer block, too, if none is. @return the first of them */
    private long release(long last, long keep) throws IOException {
        ByteBuffer slot = slot(last, Math.min(depth(), 1), false);
        if (depth() == 0) {
            if (slot.getInt(0) != Address.HOLE) drop(slot.getInt(0));
            slot.putInt(0, Address.HOLE);
            return last;
        }
        int each = geometry.generation().pointerBlockAddresses();
        long first = last / each * each;
        if (slot == null || slot.getInt(0) == Address.HOLE) return first;
        long place = locate(slot.getInt(0), Address.POINTER_BLOCK);
        ByteBuffer addresses = transaction.read(place, geometry.generation().pointerBlockBytes());
        for (long block = last; block >= Math.max(first, keep); block--) {
            int address = addresses.getInt((int) (block - first) * Integer.BYTES);
            if (address == Address.HOLE) continue;
            drop(address);
            if (first < keep) slot(block, 0, false).putInt(0, Address.HOLE);
        }
        if (first >= keep) releasePointers(slot, Address.POINTER_BLOCK);
        return Math.max(first, keep);
    }

    private void releasePointers(ByteBuffer slot, int type) throws IOException {
        free(slot.getInt(0), type);
        slot.putInt(0, Address.HOLE);
        if (geometry.generation() == Generation.VMFS5) descriptor.pointerBlocks(Math.max(0, descriptor.pointerBlocks() - 1));
    }

    private void releaseSecondLevel(long keep) throws IOException {
        for (long block = (keep + span(2) - 1) / span(2) * span(2); block <= last(); block += span(2)) {
            ByteBuffer slot = slot(block, 2, false);
            if (slot.getInt(0) != Address.HOLE) releasePointers(slot, Address.POINTER_BLOCK_2);
        }
    }

    private void free(int address, int type) throws IOException {
        locate(address, type);
        volume.allocator().free(transaction, address);
    }

    private void drop(int address) throws IOException {
        if (Address.toBeZeroed(geometry.generation(), address & 0xFFFFFFFFL)) descriptor.toBeZeroedBlocks(Math.max(0, descriptor.toBeZeroedBlocks() - 1));
        if (Address.copyOnWrite(address & 0xFFFFFFFFL)) descriptor.copyOnWriteBlocks(Math.max(0, descriptor.copyOnWriteBlocks() - 1));
        else free(address, inFileBlocks() ? Address.FILE_BLOCK : Address.SUB_BLOCK);
        if (descriptor.type() != FileDescriptor.FILE && Address.type(address) == Address.FILE_BLOCK) {
            transaction.forget(Address.block(geometry.generation(), address & 0xFFFFFFFFL) * geometry.blockBytes(), geometry.blockBytes());
        }
        count(-1);
    }

    /**
     * Makes a range read as zeros, or the first part of it: its whole blocks are given back, the rest is overwritten.
     *
     * @return where to go on
     */
    long punch(long position, long end) throws IOException {
        modifiedNow();
        if (descriptor.form() == FileDescriptor.CONTENT) {
            descriptor.content().put((int) position, new byte[(int) (end - position)]);
            return end;
        }
        long per = blockBytes();
        BlockMap map = map();
        long here = position;
        while (here < end && transaction.sectors() < MANY_SECTORS) {
            long block = here / per;
            long next = map.next(block, (end + per - 1) / per, true);
            if (next > block) {
                here = Math.min(end, next * per);
                continue;
            }
            long blockEnd = Math.min((block + 1) * per, end);
            boolean whole = here == block * per && (blockEnd == (block + 1) * per || blockEnd >= descriptor.length());
            if (whole) {
                drop((int) map.address(block));
                slot(block, 0, false).putInt(0, Address.HOLE);
            } else if (inFileBlocks()) {
                bytes(own(map, block) + here % per, ByteBuffer.allocate((int) (blockEnd - here)));
            } else {
                transaction.put(map.blockAt(block) + here % per, ByteBuffer.allocate((int) (blockEnd - here)));
            }
            here = blockEnd;
        }
        return here;
    }

    /** All that it has is given back, its descriptor too. It is cut to nothing already, or small enough for one transaction. */
    void delete() throws IOException {
        volume.allocator().free(transaction, descriptor.address());
        descriptor.links(0);
    }
}
