package vmfs.impl.disk;

import java.nio.ByteBuffer;

/** What a sparse file begins with. */
sealed interface SparseHeader permits HostedHeader, CowdHeader, SeSparseHeader {
    Shape shape();

    /** Whether he who wrote last did not close it. */
    boolean unclean();

    /** Whether it says from where a writer may allocate. */
    boolean tellsFree();

    /** The bytes of a header that differs in that, for the file's begin. @param free block from which a writer may allocate */
    ByteBuffer image(boolean unclean, long free);

    /** The bytes of one for a longer disk, with its directories elsewhere. */
    ByteBuffer image(long blocks, long directory, long redundant, long free);
}
