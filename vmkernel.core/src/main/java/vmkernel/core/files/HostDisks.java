package vmkernel.core.files;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;

/** The formats of virtual disks, whichever code has them just now, and the disks that are open. Any thread. */
final class HostDisks implements DiskFormats {
    private static final Logger LOG = LoggerFactory.getLogger(HostDisks.class);
    private static final long DRAIN_MILLIS = 10_000;

    private final Gate<DiskFormats> gate = new Gate<>("virtual disks");
    private final Set<OpenDisk> disks = ConcurrentHashMap.newKeySet();

    private volatile boolean everPresent;

    boolean isPresent() { return gate.isOpen(); }

    /** If not, there is nothing to wait for. */
    boolean everPresent() { return everPresent; }

    /** The code of the formats goes, or that of the files below: disks are closed for a while, long work ends. */
    void detach() {
        if (!gate.close(DRAIN_MILLIS)) LOG.warn("work on virtual disks does not end");
        disks.forEach(OpenDisk::detach);
    }

    /** Formats are there, and more volumes perhaps: disks whose files are there are opened again. */
    void attach(DiskFormats formats) {
        disks.forEach(disk -> disk.attach(formats));
        gate.open(formats);
        everPresent = true;
    }

    @Override
    public DiskImage open(DiskFiles files, VolumePath disk, VmFile.Mode mode) throws IOException {
        KeptFiles kept = new KeptFiles(files);
        try {
            return gate.call(now -> {
                OpenDisk opened = new OpenDisk(disk, mode, kept, now.open(kept, disk, mode), disks::remove);
                disks.add(opened);
                return opened;
            });
        } catch (IOException | RuntimeException e) {
            kept.close();
            throw e;
        }
    }

    @Override public DiskInfo info(VolumePath disk) throws IOException { return gate.call(now -> now.info(disk)); }
    @Override public void create(VolumePath disk, DiskFormat format, long bytes, Progress progress) throws IOException { gate.act(now -> now.create(disk, format, bytes, gate.givingWay(progress))); }
    @Override public void createChild(VolumePath parent, VolumePath child) throws IOException { gate.act(now -> now.createChild(parent, child)); }
    @Override public void commit(VolumePath child, Progress progress) throws IOException { gate.act(now -> now.commit(child, gate.givingWay(progress))); }
    @Override public void copy(VolumePath from, VolumePath to, DiskFormat format, Progress progress) throws IOException { gate.act(now -> now.copy(from, to, format, gate.givingWay(progress))); }
    @Override public void extend(VolumePath disk, long bytes, Progress progress) throws IOException { gate.act(now -> now.extend(disk, bytes, gate.givingWay(progress))); }
    @Override public void inflate(VolumePath disk, Progress progress) throws IOException { gate.act(now -> now.inflate(disk, gate.givingWay(progress))); }
    @Override public void punchZeros(VolumePath disk, Progress progress) throws IOException { gate.act(now -> now.punchZeros(disk, gate.givingWay(progress))); }
    @Override public void rename(VolumePath from, VolumePath to) throws IOException { gate.act(now -> now.rename(from, to)); }
    @Override public void delete(VolumePath disk) throws IOException { gate.act(now -> now.delete(disk)); }
    @Override public List<String> check(VolumePath disk, Progress progress) throws IOException { return gate.call(now -> now.check(disk, gate.givingWay(progress))); }
}
