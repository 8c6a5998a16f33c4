package vmkernel.api.proc;

import java.io.IOException;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Reads and writes the whole /proc/vmware tree: the nodes of all {@link ProcNode} services. Any thread. */
@ProviderType
public interface ProcTree {
    /** Text of a node; accepts paths with or without {@code /proc/vmware/}. @throws IOException if there is no such node */
    String read(String path) throws IOException;

    void write(String path, String text) throws IOException;

    /** Names directly below a directory ("" is the root), directories with a trailing slash. @throws IOException if it is none */
    List<String> list(String directory) throws IOException;
}
