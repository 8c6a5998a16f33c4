package vmkernel.api.files.tools;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileStatus.Type;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;

/**
 * Deletes files as {@code rm} does.
 *
 * @param recursive folders with all that is in them
 * @param force what is not there is no error
 */
public record Removal(boolean recursive, boolean force) {
    /** @throws IOException in one line; what was deleted before is gone */
    public void remove(VolumePath place) throws IOException {
        Volume volume = place.volume();
        FileStatus status;
        try {
            status = volume.status(place.path());
        } catch (NoSuchFileException e) {
            if (force) return;
            throw e;
        }
        if (status.type() == Type.DIRECTORY && !recursive) throw new FileSystemException(place.path(), null, "is a folder; -r deletes it with what is in it");
        if (place.path().replace("/", "").isEmpty()) throw new FileSystemException(place.path(), null, "is the root of the volume, which stays");
        remove(volume, place.path(), status.type());
    }

    private static void remove(Volume volume, String path, Type type) throws IOException {
        if (type == Type.DIRECTORY) for (FileStatus entry : volume.list(path)) remove(volume, path + "/" + entry.name(), entry.type());
        volume.delete(path);
    }
}
