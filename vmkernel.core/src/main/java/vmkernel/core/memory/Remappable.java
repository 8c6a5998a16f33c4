package vmkernel.core.memory;

/** Guest memory over which devices can be laid. */
public interface Remappable {
    /** A device lies over these pages from now on, or no more: whoever keeps addresses of theirs has to ask again. */
    void remapped(long address, long bytes);
}
