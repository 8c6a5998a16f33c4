package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;

/**
 * Gives a disk and its files another name. The extents get their new names, then a new descriptor is made, then the old one goes, then the old names
 * of the extents; what fails is undone.
 */
record Move(VolumePath from, VolumePath to, Executor workers) {
    void run() throws IOException {
        if (!from.volume().uuid().equals(to.volume().uuid())) throw Places.refused(to, "is on another volume; copy the disk there");
        Descriptor descriptor;
        boolean single;
        List<VolumePath> extents;
        // nobody uses it; with all parents, so that what it becomes can be opened
        try (Link link = Link.open(DiskFiles.PLAIN, from, Mode.WRITE, workers)) {
            descriptor = link.text().descriptor();
            single = link.text().single();
            extents = Relatives.extents(link.text());
        }
        if (!single || Places.named(from)) Places.base(to);
        Places.requireFree(to);
        if (single) moveSingle(); else moveAll(descriptor, extents);
    }

    private void moveSingle() throws IOException {
        from.volume().rename(from.path(), to.path());
        try (DiskText text = DiskText.open(DiskFiles.PLAIN, to, Mode.WRITE)) {
            text.change(withHint(text.descriptor().with(List.of(text.descriptor().extents().get(0).file(Places.name(to))))));
        }
    }

    /** A parent that was named relative to the old folder is not found from another one. */
    private Descriptor withHint(Descriptor descriptor) throws IOException {
        if (descriptor.parentHint().isEmpty()) return descriptor;
        return descriptor.with("parentFileNameHint", Places.hint(to, Places.resolve(from, descriptor.parentHint().get())));
    }

    private void moveAll(Descriptor descriptor, List<VolumePath> extents) throws IOException {
        List<ExtentLine> lines = new ArrayList<>();
        List<VolumePath> targets = new ArrayList<>();
        for (ExtentLine line : descriptor.extents()) {
            boolean own = !line.file().isEmpty() && Places.relative(line.file());
            String name = own ? renamed(line.file()) : line.file();
            lines.add(line.file(name));
            if (!own) continue;
            targets.add(Places.resolve(to, name));
            Places.requireFree(targets.get(targets.size() - 1));
        }
        List<Undo> undo = new ArrayList<>();
        boolean linked = false;
        try {
            for (int i = 0; i < extents.size(); i++) linked = give(extents.get(i), targets.get(i), undo);
            write(withHint(descriptor.with(lines)));
            undo.add(() -> to.volume().delete(to.path()));
            from.volume().delete(from.path());
        } catch (IOException | RuntimeException e) {
            undo(undo, e);
            throw e;
        }
        if (linked) for (VolumePath extent : extents) extent.volume().delete(extent.path());
    }

    /** Two names, so that there is a whole disk at any time; one after the other where a file can only have one. @return whether it has two */
    private static boolean give(VolumePath extent, VolumePath name, List<Undo> undo) throws IOException {
        try {
            extent.volume().link(extent.path(), name.path());
            undo.add(() -> name.volume().delete(name.path()));
            return true;
        } catch (UnsupportedOperationException e) {
            extent.volume().rename(extent.path(), name.path());
            undo.add(() -> name.volume().rename(name.path(), extent.path()));
            return false;
        }
    }

    /** Extents are named after their disk; one that is not keeps its name. */
    private String renamed(String extent) throws IOException {
        String old = Places.base(from);
        return extent.startsWith(old) ? Places.base(to) + extent.substring(old.length()) : extent.substring(extent.lastIndexOf('/') + 1);
    }

    private void write(Descriptor descriptor) throws IOException {
        boolean good = false;
        try (VmFile file = to.volume().create(to.path(), from.volume().status(from.path()).mode())) {
            file.write(0, ByteBuffer.wrap(descriptor.bytes()));
            file.flush();
            good = true;
        } finally {
            if (!good) to.volume().delete(to.path());
        }
    }

    private interface Undo {
        void run() throws IOException;
    }

    private static void undo(List<Undo> steps, Exception why) {
        for (int i = steps.size() - 1; i >= 0; i--) {
            try {
                steps.get(i).run();
            } catch (IOException e) {
                why.addSuppressed(e);
            }
        }
    }
}
