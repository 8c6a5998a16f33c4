package vmfs.impl.nio;

import java.nio.file.ReadOnlyFileSystemException;

/** What Java's tools expect of a volume that is not written, with the reason. */
final class VolumeReadOnlyException extends ReadOnlyFileSystemException {
    private static final long serialVersionUID = 1;

    private final String why;

    VolumeReadOnlyException(String why) { this.why = why; }

    @Override public String getMessage() { return why; }
}
