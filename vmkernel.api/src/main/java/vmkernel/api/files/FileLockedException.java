package vmkernel.api.files;

import java.nio.file.FileSystemException;

/** Somebody else has the file. */
public final class FileLockedException extends FileSystemException {
    private static final long serialVersionUID = 1;

    /** @param who in one line, such as {@code is open for writing on host esx1 (10.0.0.7)} */
    public FileLockedException(String path, String who) { super(path, null, who); }
}
