package vmkernel.api.files;

import java.nio.file.FileSystemException;

/** There is no room for what was to be written; nothing was changed. */
public final class VolumeFullException extends FileSystemException {
    private static final long serialVersionUID = 1;

    /** @param what is used up, in one line, such as {@code no space left on datastore1} */
    public VolumeFullException(String path, String what) { super(path, null, what); }
}
