package vmfs.impl.volume;

import java.io.IOException;
import java.util.concurrent.locks.StampedLock;
import vmfs.impl.format.FileDescriptor;

/** A file that somebody has open: what is committed of it, in one place for all who have it on this host. Any thread. */
final class OpenFile {
    /** One version of it. @param epoch of the volume's metadata that it belongs to */
    record Version(FileDescriptor descriptor, BlockMap blocks, long length, long epoch) { }

    private final Geometry geometry;
    private final Metadata metadata;
    private volatile Version version;
    /** Shared by requests that are under way to blocks of the file; exclusive while blocks are given back. */
    private final StampedLock requests = new StampedLock();
    /** For who has it open for writing; else null. */
    private volatile FileWriter writer;

    /** @param metadata where pointer blocks are read when they are needed */
    OpenFile(Geometry geometry, Metadata metadata, FileDescriptor descriptor, long epoch) throws IOException {
        this.geometry = geometry;
        this.metadata = metadata;
        changed(descriptor, epoch);
    }

    int address() { return version.descriptor.address(); }

    int generation() { return version.descriptor.generation(); }

    Version version() { return version; }

    StampedLock requests() { return requests; }

    FileWriter writer() { return writer; }

    void writer(FileWriter value) { writer = value; }

    /** Its descriptor, or what that points to, is another now. */
    void changed(FileDescriptor descriptor, long epoch) throws IOException {
        Version now = version;
        boolean same = now != null && now.epoch == epoch && now.descriptor.bytes().equals(descriptor.bytes());
        if (!same) version = new Version(descriptor, geometry.blocks(metadata, descriptor), descriptor.length(), epoch);
    }
}
