package vmfs.impl.disk;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;

/** A disk's children, and its own files. */
final class Relatives {
    private static final Logger LOG = LoggerFactory.getLogger(Relatives.class);

    private Relatives() {}

    /** LIMIT: children in other folders are not seen; they tell by the content id if the disk is written. @param what it cannot, if it has children */
    static void requireChildless(VolumePath disk, String what) throws IOException {
        String folder = disk.path().substring(0, disk.path().lastIndexOf('/') + 1);
        for (FileStatus entry : disk.volume().list(folder.length() > 1 ? folder.substring(0, folder.length() - 1) : folder)) {
            VolumePath other = disk.sibling(entry.name());
            boolean candidate = entry.type() == FileStatus.Type.FILE && (Places.named(other) && !entry.name().endsWith("-flat.vmdk") || Places.redo(other));
            if (!candidate || other.path().equals(disk.path())) continue;
            if (isChild(other, disk)) throw Places.refused(disk, "is the parent of " + entry.name() + " and cannot " + what + "; commit or delete that first");
        }
    }

    private static boolean isChild(VolumePath other, VolumePath disk) {
        try (DiskText text = DiskText.open(DiskFiles.PLAIN, other, Mode.READ)) {
            boolean itself = !text.made() || Places.redo(other); // and not its extent, which may tell the parent too
            return itself && text.descriptor().parentHint().isPresent() && text.parent().path().equals(disk.path());
        } catch (IOException e) {
            LOG.debug("{} is not looked at: {}", other, e.getMessage());
            return false;
        }
    }

    /** Own extents: those that the descriptor names relative to it. What is named by absolute path may be a device, or somebody else's. */
    static List<VolumePath> extents(DiskText text) throws IOException {
        List<VolumePath> found = new ArrayList<>();
        if (text.single()) return found;
        for (ExtentLine line : text.descriptor().extents()) {
            if (!line.file().isEmpty() && Places.relative(line.file())) found.add(Places.resolve(text.place(), line.file()));
        }
        return found;
    }

    /** The descriptor goes last, so that what was interrupted can be done again. */
    static void delete(VolumePath disk) throws IOException {
        List<VolumePath> extents;
        try (DiskText text = DiskText.open(DiskFiles.PLAIN, disk, Mode.WRITE)) {
            extents = extents(text);
            for (VolumePath extent : extents) requireUnused(extent);
        }
        for (VolumePath extent : extents) {
            try {
                extent.volume().delete(extent.path());
            } catch (NoSuchFileException e) {
                LOG.info("{} was gone already", extent);
            }
        }
        disk.volume().delete(disk.path());
    }

    private static void requireUnused(VolumePath extent) throws IOException {
        try (VmFile file = extent.volume().open(extent.path(), Mode.WRITE)) {
            LOG.debug("{} is used by nobody", file.path());
        } catch (NoSuchFileException e) {
            LOG.debug("{} is gone already", extent);
        }
    }
}
