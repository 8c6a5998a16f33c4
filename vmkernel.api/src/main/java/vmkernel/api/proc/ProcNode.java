package vmkernel.api.proc;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;

/** A node of the /proc/vmware tree: a whiteboard service. Any thread. */
@ConsumerType
public interface ProcNode {
    /** Path below /proc/vmware without a leading slash, such as {@code vm/101/cpu/status}. */
    String path();

    /** The text, ending in a newline. */
    String read();

    /** True if {@link #write} is supported. */
    default boolean writable() { return false; }

    /** Sets the node. @throws IOException with one line for the user if the text does not fit or the node is read-only */
    default void write(String text) throws IOException { throw new IOException(path() + ": read-only"); }
}
