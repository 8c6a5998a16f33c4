package vmfs.impl.volume;

import java.nio.ByteBuffer;

/** What changes of a volume are made with. */
record Writing(Geometry geometry, Extents extents, Allocator allocator, SectorWriter sectors, Names names) {
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(1 << 20).asReadOnlyBuffer();

    /** 1 MiB. */
    ByteBuffer zeros() { return ZEROS.duplicate(); }

    /** Since 1970. */
    long seconds() { return System.currentTimeMillis() / 1000; }
}
