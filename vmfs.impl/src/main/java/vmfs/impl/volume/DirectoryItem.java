package vmfs.impl.volume;

/**
 * A name in a directory.
 *
 * @param slot its place, as {@link Directory#slots} counts; @param at byte address in the volume
 * @param type as in {@link vmfs.impl.format.FileDescriptor#type}; @param address of the descriptor; @param generation that the descriptor has, too
 */
public record DirectoryItem(int slot, long at, int type, int address, int generation, String name) {
    /** True for the directory itself and its parent. */
    public boolean dots() { return name.equals(".") || name.equals(".."); }
}
