package vmfs.impl.volume;

import java.io.IOException;
import vmfs.impl.format.FileDescriptor;

/** A file that somebody has open: what is committed of it, in one place for all who have it. Any thread. */
final class OpenFile {
    /** One version of it. */
    record Version(FileDescriptor descriptor, BlockMap blocks, long length) { }

    private final Geometry geometry;
    private final Metadata metadata;
    private volatile Version version;

    OpenFile(Geometry geometry, Metadata metadata, FileDescriptor descriptor) throws IOException {
        this.geometry = geometry;
        this.metadata = metadata;
        changed(descriptor);
    }

    Version version() { return version; }

    /** Its descriptor, or what that points to, is another now. */
    void changed(FileDescriptor descriptor) throws IOException { version = new Version(descriptor, geometry.blocks(metadata, descriptor), descriptor.length()); }
}
