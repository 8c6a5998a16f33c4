package vmkernel.api.storage;

/**
 * A unit behind an adapter, in SCSI's words: {@code vmhba0:target:lun}.
 *
 * @param blocks capacity; 0 if the unit does not work
 * @param blockBytes a power of two, usually 512
 * @param vendor eight characters at most, as INQUIRY gives them; model 16, revision 4
 */
public record LogicalUnit(int target, int lun, long blocks, int blockBytes, boolean readOnly, String vendor, String model, String revision) {}
