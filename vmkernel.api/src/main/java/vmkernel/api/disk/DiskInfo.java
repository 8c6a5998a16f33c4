package vmkernel.api.disk;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import vmkernel.api.files.VolumePath;

/**
 * What a disk consists of.
 *
 * @param bytes that the guest sees; @param allocatedBytes that its own files take
 * @param cid content id, as in the descriptor; @param parentCid 0xffffffff if there is no parent
 * @param parent its parent's place
 * @param files its own, descriptor first
 * @param database {@code ddb.*} of the descriptor
 */
public record DiskInfo(VolumePath disk, DiskFormat format, long bytes, long allocatedBytes, int cid, int parentCid, Optional<VolumePath> parent, List<VolumePath> files, Map<String, String> database) {}
