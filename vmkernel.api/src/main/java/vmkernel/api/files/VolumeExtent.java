package vmkernel.api.files;

/**
 * A device's part in a volume, as its first blocks say.
 *
 * @param uuid of the volume, as text; that of the logical volume below the file system, which is the same on all extents
 * @param label of the file system; empty if this extent does not have it
 * @param type such as {@code VMFS-5.81}
 * @param first byte of the volume that it has: orders a volume's extents, of which one alone does not know how many are before it
 * @param extents how many there are
 */
public record VolumeExtent(String uuid, String label, String type, long first, int extents) {}
