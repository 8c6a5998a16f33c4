package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

/** Looks at every entry of the tables of a sparse file that nobody writes, as they are on disk. */
final class GrainCheck {
    private static final int BLOCK = Layer.BLOCK;
    /** Grains of which it knows whether they are used twice: for each a bit in memory. LIMIT: grains behind them are not compared. */
    private static final long COMPARED_GRAINS = 1 << 30;

    private final GrainMap map;
    private final VmFile file;
    private final Shape shape;
    private final Errors errors;
    private final BitSet used = new BitSet();

    /** @param errors gets one line for each that is wrong */
    GrainCheck(GrainMap map, Errors errors) {
        this.map = map;
        this.errors = errors;
        file = map.file();
        shape = map.shape();
    }

    void run(Progress progress) throws IOException {
        if (map.header().unclean()) errors.add(file.path() + ": was not closed by who wrote last; it is put in order when it is opened for writing");
        long[] directory = map.directory(shape.directory()), copies = shape.redundant() == 0 ? null : map.directory(shape.redundant());
        for (int number = 0; number < directory.length; number++) {
            progress.at(number, directory.length);
            if (directory[number] != 0) table(number, directory[number], copies == null ? 0 : copies[number]);
        }
        progress.at(directory.length, directory.length);
    }

    private void table(int number, long place, long copy) throws IOException {
        ByteBuffer table = map.bytes(place, (long) shape.tableEntries() * shape.entryBytes());
        if (copy != 0 && table.mismatch(map.bytes(copy, table.capacity())) >= 0) wrong(copy * BLOCK, "grain table " + number + " and its copy differ");
        for (int i = 0; i < shape.tableEntries(); i++) {
            long grain = (long) number * shape.tableEntries() + i;
            if (grain < shape.grains()) grain(grain, shape.grainPlace(shape.raw(table, i)), place * BLOCK + (long) i * shape.entryBytes());
        }
    }

    /** @param entry byte of the file that says where the grain is */
    private void grain(long grain, long place, long entry) {
        if (place == GrainMap.HOLE || place == GrainMap.ZERO) return;
        if (place == GrainMap.BAD || place + (shape.compressed() ? 1 : shape.used(grain)) > map.length()) {
            wrong(entry, "grain " + grain + " would be out of the file");
        } else if (place % shape.grainBlocks() == 0 && !shape.compressed() && place / shape.grainBlocks() < COMPARED_GRAINS) {
            int index = (int) (place / shape.grainBlocks());
            if (used.get(index)) wrong(entry, "grain " + grain + " is where another one is, at block " + place);
            used.set(index);
        }
    }

    private void wrong(long offset, String what) { errors.add(new Damage(file.path(), offset, what).getMessage()); }
}
