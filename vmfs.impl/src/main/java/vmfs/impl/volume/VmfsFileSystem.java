package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.osgi.service.component.annotations.Component;
import vmfs.impl.check.Checker;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.journal.Journal;
import vmfs.impl.journal.Onlooker;
import vmfs.impl.lock.Lease;
import vmfs.impl.mkfs.Formatter;
import vmfs.impl.nio.VmfsProvider;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeExtent;
import vmkernel.api.handover.SavedState;
import vmkernel.api.storage.BlockDevice;

/** VMFS-3, VMFS-5 and VMFS-6 (which is only read). */
@Component
public final class VmfsFileSystem implements FileSystem {
    private final VmfsProvider provider = new VmfsProvider(this);

    @Override public String name() { return "VMFS"; }

    @Override
    public Optional<VolumeExtent> probe(BlockDevice device) throws IOException {
        Extents.Part part = Extents.probe(device);
        if (part == null) return Optional.empty();
        String label = "";
        String type = "VMFS-" + part.generation().major();
        if (part.first() == 0) {
            ByteBuffer sector = ByteBuffer.allocate(FsHeader.BYTES);
            part.read(Generation.FS_HEADER, sector);
            FsHeader header = new FsHeader(sector);
            // only the LVM is there: a format that was cut off, or the device has another use now
            if (header.magic() != FsHeader.MAGIC && header.magic() != FsHeader.MAGIC_LOCAL) return Optional.empty();
            label = header.label();
            type = VmfsVolume.type(part.generation(), header.minor());
        }
        return Optional.of(new VolumeExtent(part.volume().toString(), label, type, part.first(), part.devices()));
    }

    @Override
    public MountedVolume mount(List<BlockDevice> extents, MountContext context, Optional<SavedState> state) throws IOException { return VmfsVolume.mount(Extents.open(extents), context, state, Lease.USUAL); }

    @Override
    public void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException { Formatter.format(device, options, progress); }

    @Override
    public CheckReport check(List<BlockDevice> extents, boolean repair, Progress progress) throws IOException {
        Extents volume = Extents.open(extents);
        return repair ? VolumeRepair.run(volume, Lease.USUAL, progress) : look(volume, progress);
    }

    private static CheckReport look(Extents volume, Progress progress) throws IOException {
        MetadataCache cache = new MetadataCache(volume, VmfsVolume.CACHE_BYTES);
        Geometry geometry = Geometry.read(volume, cache);
        return new Onlooker(cache, journal(volume, geometry, cache)).look(metadata -> Checker.check(geometry, metadata, progress));
    }

    /** What is wrong with it the checker tells. */
    private static Optional<Journal> journal(Extents volume, Geometry geometry, MetadataCache cache) throws IOException {
        try {
            return JournalFile.forReading(volume, geometry, cache);
        } catch (VolumeDamagedException e) {
            return Optional.empty();
        }
    }

    @Override
    public java.nio.file.FileSystem fileSystem(Volume volume) { return provider.view(volume); }
}
