package vmfs.impl.disk;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;

/** Makes an open disk longer: its last extent, and more of them if they are limited. The descriptor, which says how long it is, comes last. */
record Extension(Link link, VolumePath disk, Executor workers) {
    void to(long blocks, Progress progress) throws IOException {
        DiskText text = link.text();
        List<ExtentLine> lines = new ArrayList<>(text.descriptor().extents());
        int last = lines.size() - 1;
        Layer extent = link.extents().get(last);
        DiskFormat format = text.format();
        boolean pieces = format == DiskFormat.TWO_GB_FLAT || format == DiskFormat.TWO_GB_SPARSE;
        long more = blocks - link.blocks(), here = pieces ? Math.max(0, Math.min(more, NewDisk.PIECE_BLOCKS - lines.get(last).blocks())) : more;
        try (NewDisk added = new NewDisk(disk, format, workers)) {
            for (long left = more - here; left > 0; left -= NewDisk.PIECE_BLOCKS) {
                added.extent(Math.min(left, NewDisk.PIECE_BLOCKS), lines.size() + added.lines().size() + 1, false, Progress.NONE);
            }
            if (here > 0) lengthen(extent, format, lines.get(last).blocks() + here, progress);
            lines.set(last, lines.get(last).blocks(lines.get(last).blocks() + here));
            lines.addAll(added.lines());
            Descriptor changed = text.descriptor().with(lines);
            for (Map.Entry<String, String> entry : Geometry.of(blocks).entrySet()) changed = changed.with("ddb." + entry.getKey(), entry.getValue());
            added.finishExtents(); // if the descriptor cannot be written they stay, for it may be there
            text.change(changed);
        }
        progress.at(blocks * Layer.BLOCK, blocks * Layer.BLOCK);
    }

    private void lengthen(Layer extent, DiskFormat format, long blocks, Progress progress) throws IOException {
        if (extent instanceof Sparse sparse && !sparse.readOnly()) {
            sparse.map().extend(blocks);
        } else if (extent instanceof Flat flat) {
            long end = (flat.first() + blocks) * Layer.BLOCK, old = flat.file().length();
            if (end <= old) return; // as after an extension that was interrupted
            try {
                if (format == DiskFormat.VMFS_THIN || format == DiskFormat.RAW) flat.file().truncate(end); else flat.file().allocate(old, end - old, progress);
            } catch (IOException | RuntimeException e) {
                cut(flat.file(), old, e);
                throw e;
            }
        } else {
            throw Places.refused(disk, "ends with an extent that cannot be extended; copy it to another format");
        }
    }

    private static void cut(VmFile file, long length, Exception why) {
        try {
            if (file.length() > length) file.truncate(length);
        } catch (IOException e) {
            why.addSuppressed(e);
        }
    }
}
