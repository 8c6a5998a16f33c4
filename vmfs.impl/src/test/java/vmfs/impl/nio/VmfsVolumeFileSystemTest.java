package vmfs.impl.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
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

    @Test
    void theJournalIsTheFileSystemsOwn() throws IOException {
        assertEquals(FileStatus.Type.SYSTEM, mounted.status("/.hvj.sf").type());
        mounted.create("/y", 0600).close();
        for (Executable attempt : new Executable[] {() -> mounted.delete("/.hvj.sf"), () -> mounted.open("/.hvj.sf", VmFile.Mode.WRITE), () -> mounted.rename("/.hvj.sf", "/x"),
            () -> mounted.rename("/y", "/.hvj.sf"), () -> mounted.link("/.hvj.sf", "/z"), () -> mounted.chmod("/.hvj.sf", 0)}) {
            assertTrue(assertThrows(FileSystemException.class, attempt).getMessage().endsWith("belongs to the file system itself"));
        }
    }

    /** Whatever a test did, Debian's tools find nothing wrong. */
    @AfterEach
    void isWhole() throws IOException {
        mounted.close();
        VmfsTools.requireWhole(disk);
    }
}
