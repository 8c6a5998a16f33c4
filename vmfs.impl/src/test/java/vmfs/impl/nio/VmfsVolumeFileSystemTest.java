package vmfs.impl.nio;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;

class VmfsVolumeFileSystemTest extends VolumeFileSystemContract {
    private final RamDisk disk = RamDisk.of(600L << 20);
    private MountedVolume mounted;

    @Override
    Volume volume() throws IOException {
        VmfsFileSystem kind = new VmfsFileSystem();
        kind.format(disk, new FormatOptions("vmfs5", "test", 0), Progress.NONE);
        mounted = kind.mount(List.of(disk), new Host("00000001-00000002-0003-000000000004", false), Optional.empty());
        mounted.mkdir("/folder", 0755);
        return mounted;
    }

    @Override String folder() { return "/folder"; }

    /** Whatever a test did, Debian's tools find nothing wrong. */
    @AfterEach
    void isWhole() throws IOException {
        mounted.close();
        VmfsTools.requireWhole(disk);
    }
}
