package vmkernel.api.files;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;

/** Something that knows where its holes are: a channel to a file of a volume does. */
@ConsumerType
public interface SparseFile {
    /** The next place from here that is not in a hole; the length if there is none. */
    long nextData(long position) throws IOException;

    /** The next place from here that is in a hole; the length if there is none. */
    long nextHole(long position) throws IOException;
}
