package vmkernel.core.files;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;

/** The files of one disk: they stay open, and locked, from one code of its format to the next, who opens them again and gets the same. */
final class KeptFiles implements DiskFormats.DiskFiles, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeptFiles.class);

    private final DiskFormats.DiskFiles files;
    /** Guarded by this. */
    private final List<Kept> kept = new ArrayList<>();

    private static final class Kept {
        final VolumePath path;
        final VmFile file;
        boolean taken = true;

        Kept(VolumePath path, VmFile file) {
            this.path = path;
            this.file = file;
        }
    }

    KeptFiles(DiskFormats.DiskFiles files) { this.files = files; }

    @Override
    public synchronized VmFile open(VolumePath path, VmFile.Mode mode) throws IOException {
        for (Kept known : kept) {
            if (known.taken || known.file.mode() != mode || !known.path.equals(path)) continue;
            known.taken = true;
            return handle(known);
        }
        Kept made = new Kept(path, files.open(path, mode));
        kept.add(made);
        return handle(made);
    }

    private VmFile handle(Kept of) {
        return new KeptFile(of.file, () -> {
            synchronized (this) {
                of.taken = false;
            }
        });
    }

    /** Whether the file systems of all are there. */
    synchronized boolean arePresent() { return kept.stream().allMatch(known -> !(known.path.volume() instanceof Datastore volume) || volume.isPresent()); }

    /** The disk is closed for good. */
    @Override
    public synchronized void close() throws IOException {
        IOException first = null;
        for (Kept known : kept) {
            try {
                known.file.close();
            } catch (IOException e) {
                if (first == null) first = e; else LOG.error("{}: {}", known.path, e.getMessage());
            }
        }
        kept.clear();
        if (first != null) throw first;
    }
}
