package vmfs.impl.check;

import java.util.BitSet;
import vmfs.impl.volume.ResourceFile;

/** Which items of a resource file are in use: as its clusters say, and as files have them. A bit each. */
final class Usage {
    final ResourceFile resource;
    /** As the clusters say. */
    final BitSet used = new BitSet();
    /** Some file has it. */
    final BitSet seen = new BitSet();
    /** A file has it that knows that another has it, too (copy on write). */
    final BitSet shared = new BitSet();
    /** Clusters whose headers are damaged: nothing is known of their items. */
    final BitSet unknown = new BitSet();

    Usage(ResourceFile resource) { this.resource = resource; }

    int index(int cluster, int item) { return cluster * resource.items() + item; }

    boolean unknown(int index) { return unknown.get(index / resource.items()); }
}
