package vmfs.impl.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.volume.BlockMap;
import vmfs.impl.volume.Geometry;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.VolumeDamagedException;

/** Looks at a file: its descriptor, and all blocks that it has. */
final class Files {
    private final Geometry geometry;
    private final Generation generation;
    private final Metadata metadata;
    private final Findings findings;
    private final Repairs repairs;
    private final Usages usages;

    Files(Geometry geometry, Metadata metadata, Findings findings, Repairs repairs, Usages usages) {
        this.geometry = geometry;
        this.metadata = metadata;
        this.findings = findings;
        this.repairs = repairs;
        this.usages = usages;
        generation = geometry.generation();
    }

    /** What was counted of a file. */
    private static final class Counts {
        long blocks;
        int toBeZeroed, copyOnWrite;
    }

    /** @param at byte address of the descriptor */
    void check(String path, FileDescriptor file, long at) throws IOException {
        findings.file();
        long meta = at + generation.sectorBytes();
        if (file.lock().address() != at) {
            findings.error(path, at + 4, "its lock says that it is at byte 0x" + Long.toHexString(file.lock().address()), Findings.Stage.CORRECT,
                "is corrected", () -> repairs.lockAddress(at));
        }
        generation(path, file, meta);
        if (file.type() == FileDescriptor.RDM) return;
        BlockMap map;
        try {
            map = new BlockMap(geometry, metadata, file, at);
        } catch (VolumeDamagedException e) {
            findings.error(path, e.address(), e.what());
            return;
        }
        if (file.form() != FileDescriptor.CONTENT && file.blockBytes() != map.blockBytes()) {
            findings.error(path, meta + 0x1c, "has blocks of " + file.blockBytes() + " bytes, not " + map.blockBytes(), Findings.Stage.CORRECT, "is corrected",
                () -> repairs.descriptor(at, changed -> changed.blockBytes(map.blockBytes())));
        }
        length(path, file, meta, map);
        Counts counts = new Counts();
        if (file.form() != FileDescriptor.CONTENT) {
            int levels = map.levels();
            int addresses = generation.descriptorAddresses();
            ByteBuffer own = file.bytes().slice(generation.addressesOffset(), addresses * generation.addressBytes()).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            walk(path, map, own, at + generation.addressesOffset(), levels, counts);
        }
        count(path, meta + 0x24, "blocks", file.blocks(), counts.blocks, at, changed -> changed.blocks(counts.blocks));
        count(path, meta + 0x48, "blocks to be zeroed", file.toBeZeroedBlocks(), counts.toBeZeroed, at, changed -> changed.toBeZeroedBlocks(counts.toBeZeroed));
        count(path, meta + 0x4c, "blocks to be copied", file.copyOnWriteBlocks(), counts.copyOnWrite, at, changed -> changed.copyOnWriteBlocks(counts.copyOnWrite));
    }

    private void generation(String path, FileDescriptor file, long meta) throws IOException {
        if (generation == Generation.VMFS6) return;
        int cluster = Address.cluster(generation, file.address() & 0xFFFFFFFFL);
        if (usages.descriptors.unknown.get(cluster)) return;
        int last = geometry.descriptors().cluster(metadata, cluster).lastGeneration();
        if (Integer.compareUnsigned(file.generation(), last) > 0) {
            findings.error(path, meta + 4, "is of generation " + file.generation() + ", its cluster has given out " + last, Findings.Stage.CORRECT,
                "is given out", () -> repairs.lastGeneration(cluster, file.generation()));
        }
    }

    private void length(String path, FileDescriptor file, long meta, BlockMap map) throws IOException {
        long most = map.reach() * map.blockBytes();
        if (file.length() <= most) return;
        findings.error(path, meta + 0x14, "is " + file.length() + " bytes long, " + most + " can be found in its form", Findings.Stage.CORRECT, "is cut",
            () -> repairs.descriptor(meta - generation.sectorBytes(), changed -> changed.length(most)));
    }

    private void count(String path, long where, String what, long said, long counted, long at, Repairs.Correction correction) throws IOException {
        if (said == counted) return;
        findings.error(path, where, "counts " + said + " " + what + ", has " + counted, Findings.Stage.CORRECT, "is counted anew", () -> repairs.descriptor(at,
            correction));
    }

    /** @param level 0 if the addresses are of data */
    private void walk(String path, BlockMap map, ByteBuffer addresses, long at, int level, Counts counts) throws IOException {
        int size = generation.addressBytes();
        for (int i = 0; i < addresses.limit() / size; i++) {
            long address = size == 8 ? addresses.getLong(i * 8) : addresses.getInt(i * 4) & 0xFFFFFFFFL;
            if (address == Address.HOLE) continue;
            long where = at + (long) i * size;
            if (!map.fits(address, level)) {
                hole(path, where, "address 0x" + Long.toHexString(address) + " is of the wrong kind");
                continue;
            }
            long block;
            try {
                block = geometry.locate(address, where);
            } catch (VolumeDamagedException e) {
                hole(path, e.address(), e.what());
                continue;
            }
            boolean first = take(path, where, address, level, block);
            if (level == 0) {
                counts.blocks++;
                if (Address.toBeZeroed(generation, address)) counts.toBeZeroed++;
                if (generation != Generation.VMFS6 && Address.copyOnWrite(address)) counts.copyOnWrite++;
            } else if (first) {
                // what is below a pointer block that two files have is looked at once: in the next round, if it was copied
                walk(path, map, metadata.read(block, generation.pointerBlockBytes()), block, level - 1, counts);
            }
        }
    }

    private void hole(String path, long where, String what) throws IOException { findings.error(path, where, what, Findings.Stage.CORRECT, "becomes a hole",
        () -> repairs.hole(where)); }

    /** Notes that a file has a block. @return false if another has it, too */
    private boolean take(String path, long where, long address, int level, long block) throws IOException {
        Usage usage = usages.of(address);
        int count = Address.type(address) == Address.LARGE_FILE_BLOCK ? Address.SMALL_IN_LARGE : 1;
        boolean first = true;
        for (int i = 0; i < count; i++) first &= take(usage, usages.index(address) + i, path, where, address, level, block);
        return first;
    }

    private boolean take(Usage usage, int index, String path, long where, long address, int level, long block) throws IOException {
        String what = usage.resource.name() + " item " + index;
        if (!usage.unknown(index) && !usage.used.get(index)) {
            findings.error(path, where, "its block at byte 0x" + Long.toHexString(block) + " (" + what + ") is marked free", Findings.Stage.MARK,
                "is marked used", () -> repairs.mark(usage.resource, index, false));
            usage.used.set(index);
        }
        boolean shares = generation != Generation.VMFS6 && level == 0 && Address.copyOnWrite(address);
        boolean twice = usage.seen.get(index) && !shares && !usage.shared.get(index);
        usage.seen.set(index);
        if (shares) usage.shared.set(index);
        if (twice) {
            findings.error(path, where, "its block at byte 0x" + Long.toHexString(block) + " (" + what + ") is another's, too", Findings.Stage.ALLOCATE,
                "gets a copy of its own", () -> repairs.copy(where, address));
        }
        return !twice;
    }
}
