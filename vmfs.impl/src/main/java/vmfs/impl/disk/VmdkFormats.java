package vmfs.impl.disk;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;

/** VMware's formats of virtual disks [VMDK], and raw ones. */
@Component
public final class VmdkFormats implements DiskFormats {
    /** Who waits for files; more would only wait for each other. */
    private static final int THREADS = 8;

    private final ThreadPoolExecutor workers = new ThreadPoolExecutor(THREADS, THREADS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
        Thread thread = new Thread(task, "vmdk");
        thread.setDaemon(true);
        return thread;
    });

    public VmdkFormats() { workers.allowCoreThreadTimeOut(true); }

    /** What waits is still done. */
    @Deactivate
    void stop() { workers.shutdown(); }

    @Override public DiskImage open(DiskFiles files, VolumePath disk, Mode mode) throws IOException { return new VmdkImage(Link.open(files, disk, mode, workers)); }

    @Override
    public DiskInfo info(VolumePath disk) throws IOException {
        try (DiskText text = DiskText.open(DiskFiles.PLAIN, disk, Mode.READ)) {
            Descriptor descriptor = text.descriptor();
            DiskFormat format = text.format();
            List<VolumePath> files = new ArrayList<>(List.of(disk));
            if (!text.single()) {
                for (ExtentLine line : descriptor.extents()) if (!line.file().isEmpty()) files.add(Places.resolve(disk, line.file()));
            }
            long allocated = 0;
            for (VolumePath file : files) allocated += file.volume().status(file.path()).allocatedBytes();
            Optional<VolumePath> parent = descriptor.parentHint().isPresent() ? Optional.of(text.parent()) : Optional.empty();
            return new DiskInfo(disk, format, descriptor.blocks() * Layer.BLOCK, allocated, descriptor.cid(), descriptor.parentCid(), parent, files, descriptor.database());
        }
    }

    private static long blocks(VolumePath disk, long bytes) throws IOException {
        if (bytes > 0 && bytes % Layer.BLOCK == 0 && bytes / Layer.BLOCK <= ExtentLine.MAX_BLOCKS) return bytes / Layer.BLOCK;
        throw Places.refused(disk, "a disk has a multiple of 512 bytes, more than 0, and not " + bytes);
    }

    @Override
    public void create(VolumePath disk, DiskFormat format, long bytes, Progress progress) throws IOException {
        long blocks = blocks(disk, bytes);
        requireNew(disk, format);
        try (NewDisk made = new NewDisk(disk, format, workers)) {
            progress.at(0, bytes);
            made.extents(blocks, false, progress);
            made.finish(made.descriptor(Map.of()));
        }
        progress.at(bytes, bytes);
    }

    /** Before anything is made. */
    private static void requireNew(VolumePath disk, DiskFormat format) throws IOException {
        if (format == DiskFormat.RAW) return;
        if (format != DiskFormat.VMFS_SPARSE || !Places.redo(disk)) Places.base(disk);
        Places.requireFree(disk);
    }

    @Override
    public void createChild(VolumePath parent, VolumePath child) throws IOException {
        requireNew(child, DiskFormat.VMFS_SPARSE);
        try (Link of = Link.open(DiskFiles.PLAIN, parent, Mode.SHARE, workers); NewDisk made = new NewDisk(child, DiskFormat.VMFS_SPARSE, workers)) {
            made.parent(of.text(), Places.hint(child, parent));
            made.extents(of.blocks(), false, Progress.NONE);
            made.finish(made.descriptor(inherited(of.text().descriptor())));
        }
    }

    /** What a copy has of a disk's data base: all but what it is told by, and how it was laid down. */
    private static Map<String, String> inherited(Descriptor descriptor) {
        Map<String, String> entries = new LinkedHashMap<>();
        descriptor.database().forEach((key, value) -> {
            String name = key.substring(key.indexOf('.') + 1);
            if (!List.of("uuid", "longcontentid", "thinprovisioned", "deletable").contains(name.toLowerCase(Locale.ROOT))) entries.put(name, value);
        });
        return entries;
    }

    @Override
    public void commit(VolumePath child, Progress progress) throws IOException {
        VolumePath[] parentPlace = new VolumePath[1];
        Link.Parents writing = text -> {
            parentPlace[0] = text.parent();
            Link parent = Link.open(DiskFiles.PLAIN, parentPlace[0], Mode.WRITE, workers);
            try {
                text.requireParent(parent.text());
                return parent;
            } catch (IOException e) {
                parent.closeQuietly();
                throw e;
            }
        };
        try (Link top = Link.open(DiskFiles.PLAIN, child, Mode.WRITE, workers, writing)) {
            if (top.parent() == null) throw Places.refused(child, "has no parent that it could be committed to");
            if (top.parent().readOnly()) throw Places.refused(parentPlace[0], "cannot be written, so nothing can be committed to it");
            if (top.parent().blocks() < top.blocks()) throw Places.refused(parentPlace[0], "is shorter than its child; extend it first");
            commit(top, progress);
        }
    }

    /** The parent says first that it gets the child's content; then the child has nothing of its own. Each step may be done again. */
    private static void commit(Link child, Progress progress) throws IOException {
        int id = child.text().descriptor().cid();
        if (!child.text().made()) child.parent().become(id);
        Copy.own(child, child.parent()::write, progress);
        child.parent().flush();
        for (Layer extent : child.extents()) if (extent instanceof Sparse sparse && !sparse.readOnly()) sparse.map().clear();
        if (!child.text().made()) child.text().changeId(id, id);
    }

    @Override
    public void copy(VolumePath from, VolumePath to, DiskFormat format, Progress progress) throws IOException {
        requireNew(to, format);
        try (Link source = Link.open(DiskFiles.PLAIN, from, Mode.SHARE, workers); NewDisk made = new NewDisk(to, format, workers)) {
            made.newContent();
            if (format == DiskFormat.STREAM_OPTIMIZED) {
                StreamExport.write(made.stream(source.blocks()), source, progress);
            } else {
                boolean all = format == DiskFormat.VMFS || format == DiskFormat.MONOLITHIC_FLAT || format == DiskFormat.TWO_GB_FLAT;
                made.extents(source.blocks(), all, Progress.NONE);
                Copy.seen(source, made::write, all, progress);
            }
            made.finish(made.descriptor(inherited(source.text().descriptor())));
        }
    }

    @Override
    public void extend(VolumePath disk, long bytes, Progress progress) throws IOException {
        long blocks = blocks(disk, bytes);
        Relatives.requireChildless(disk, "be extended");
        try (Link link = Link.open(DiskFiles.PLAIN, disk, Mode.WRITE, workers)) {
            if (blocks < link.blocks()) throw Places.refused(disk, "has " + link.blocks() * Layer.BLOCK + " bytes, and cannot be made shorter");
            if (link.readOnly()) throw Places.refused(disk, "is of a format that cannot be extended; copy it to another one");
            if (blocks > link.blocks()) new Extension(link, disk, workers).to(blocks, progress);
        }
    }

    @Override
    public void inflate(VolumePath disk, Progress progress) throws IOException {
        FlatWork allocate = (file, first, blocks, done) -> file.allocate(first * Layer.BLOCK, blocks * Layer.BLOCK, done);
        flat(disk, "be inflated", null, allocate, progress);
    }

    @Override
    public void punchZeros(VolumePath disk, Progress progress) throws IOException {
        int unit = Math.max(4096, Math.min(disk.volume().space().blockBytes(), Punch.MAX_UNIT));
        FlatWork punch = (file, first, blocks, done) -> new Punch(file, unit).zeros(first * Layer.BLOCK, (first + blocks) * Layer.BLOCK, done);
        flat(disk, "give blocks back", "1", punch, progress);
    }

    private interface FlatWork {
        void run(VmFile file, long first, long blocks, Progress progress) throws IOException;
    }

    /** @param thin what the descriptor of a disk on VMFS says then */
    private void flat(VolumePath disk, String what, String thin, FlatWork work, Progress progress) throws IOException {
        try (Link link = Link.open(DiskFiles.PLAIN, disk, Mode.WRITE, workers)) {
            long done = 0, total = link.blocks() * Layer.BLOCK;
            for (Layer extent : link.extents()) {
                if (!(extent instanceof Flat)) throw Places.refused(disk, "is not flat, and cannot " + what + "; copy it to another format");
            }
            for (Layer extent : link.extents()) {
                long before = done;
                Flat flat = (Flat) extent;
                work.run(flat.file(), flat.first(), flat.blocks(), (at, of) -> progress.at(before + Math.min(at, flat.blocks() * Layer.BLOCK), total));
                done += flat.blocks() * Layer.BLOCK;
            }
            Descriptor descriptor = link.text().descriptor();
            if (descriptor.createType().equalsIgnoreCase("vmfs")) link.text().change(descriptor.with("ddb.thinProvisioned", thin));
            progress.at(total, total);
        }
    }

    @Override
    public void rename(VolumePath from, VolumePath to) throws IOException {
        Relatives.requireChildless(from, "be renamed");
        new Move(from, to, workers).run();
    }

    @Override
    public void delete(VolumePath disk) throws IOException {
        Relatives.requireChildless(disk, "be deleted");
        Relatives.delete(disk);
    }

    @Override
    public List<String> check(VolumePath disk, Progress progress) throws IOException {
        Errors errors = new Errors();
        try (Link link = Link.open(DiskFiles.PLAIN, disk, Mode.SHARE, workers)) {
            for (Link one = link; one != null; one = one.parent()) {
                for (Layer extent : one.extents()) check(extent, errors, progress);
            }
        } catch (vmkernel.api.files.FileLockedException e) {
            throw e;
        } catch (FileSystemException e) {
            errors.add(e.getMessage());
        }
        return errors.lines();
    }

    private static void check(Layer extent, Errors errors, Progress progress) throws IOException {
        if (extent instanceof Sparse sparse) new GrainCheck(sparse.map(), errors).run(progress);
        if (extent instanceof Compressed compressed) compressed.check(errors, progress);
    }
}
