package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import host.sim.array.TestHost.Command;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.host.HostFiles;

/** What may be wrong with the file of a volume, and how a driver sees it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VolumeTest {
    private static final String[] UNIT = {"unit0.file", "unit0.img", "unit0.size", "1M"};

    @TempDir
    Path home;
    private TestHost host;

    @AfterEach
    void close() {
        if (host != null) host.close();
    }

    private Path file() { return home.resolve("unit0.img"); }

    private void start(String... settings) throws Exception { host = new TestHost(Board.SMARTARRAY5I, home, settings); }

    private void length(long bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(file().toFile(), "rw")) {
            file.setLength(bytes);
        }
    }

    private String testUnitReady() throws Exception {
        try (Command command = host.command(TestHost.UNIT0, TestHost.NONE, 0, 0, 0, 0, 0, 0, 0)) {
            return sense(command);
        }
    }

    private static String sense(Command command) throws Exception {
        command.run();
        return command.error() ? command.sense() : "good";
    }

    private static byte[] block(int seed) {
        byte[] data = new byte[512];
        new Random(seed).nextBytes(data);
        return data;
    }

    @Test
    void aNewVolumeReadsAsZerosAndIsMadeByTheFirstWrite() throws Exception {
        start("unit0.file", "below/unit0.img", "unit0.size", "8G");
        assertEquals("good", testUnitReady());
        assertArrayEquals(new byte[512], host.read(16_777_215, 1));
        assertEquals("good", sense(host.command(TestHost.UNIT0, TestHost.NONE, 0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
        assertFalse(Files.exists(home.resolve("below")));
        host.write(16_777_215, block(1));
        assertEquals(8L << 30, Files.size(home.resolve("below/unit0.img")));
        assertArrayEquals(block(1), host.read(16_777_215, 1));
        assertTrue((Long) Files.getAttribute(home.resolve("below/unit0.img"), "unix:size") > 0);
    }

    @Test
    void whatWasWrittenIsThereAfterAPowerCycle() throws Exception {
        start(UNIT);
        host.write(3, block(3));
        host.close();
        start("unit0.file", "unit0.img");
        assertArrayEquals(block(3), host.read(3, 1));
        assertEquals(2047, host.command(TestHost.UNIT0, TestHost.READ, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0).run().bigEndian().getInt(0));
    }

    @Test
    void aReadOnlyVolumeIsWriteProtected() throws Exception {
        length(1 << 20);
        start("unit0.file", "unit0.img", "unit0.readonly", "TRUE");
        assertEquals("072700", sense(host.write10(0, block(1))));
        assertArrayEquals(new byte[512], host.read(0, 1));
        assertEquals(0x90, host.command(TestHost.UNIT0, TestHost.READ, 4, 0x1A, 0, 0, 0, 4, 0).run().data()[2] & 0xFF);
    }

    @Test
    void aTruncatedImageFailsBeyondItsEndAndIsNeverZeros() throws Exception {
        length(1000 * 512);
        start(UNIT);
        host.write(999, block(9));
        assertEquals("031100", sense(host.read10(1000, 1)));
        assertEquals("031100", sense(host.read10(999, 2)));
        assertEquals("030C00", sense(host.write10(1000, block(1))));
        assertEquals(1000 * 512, Files.size(file()));
        assertArrayEquals(block(9), host.read(999, 1));
    }

    @Test
    void anImageThatIsCutWhileItIsUsedFails() throws Exception {
        start(UNIT);
        host.write(100, block(1));
        length(512);
        assertEquals("031100", sense(host.read10(100, 1)));
    }

    @Test
    void aVolumeOfAnotherUnitIsRefused() throws Exception {
        start("unit0.file", "unit0.img", "unit0.size", "1M", "unit1.file", "unit0.img", "unit1.size", "1M");
        host.write(0, block(1));
        assertEquals("020400", sense(host.command(TestHost.UNIT0 | 1, TestHost.READ, 512, TestHost.rw(0x28, 0, 1))));
        assertEquals(1, host.command(TestHost.UNIT0 | 1, TestHost.READ, 8, 0x12, 1, 0xC3, 0, 8, 0).run().data()[4]);
        assertArrayEquals(block(1), host.read(0, 1));
    }

    /** Another process that locks some of the file, says so, and lets go when its standard input ends. */
    private Process holder(long first, long bytes) throws IOException {
        Path program = home.resolve("Holder.java");
        Files.writeString(program, """
            public class Holder {
                public static void main(String[] args) throws Exception {
                    try (var channel = java.nio.channels.FileChannel.open(java.nio.file.Path.of(args[0]), java.nio.file.StandardOpenOption.WRITE);
                        var lock = channel.tryLock(Long.parseLong(args[1]), Long.parseLong(args[2]), false)) {
                        System.out.write(lock == null ? 'n' : 'y');
                        System.out.flush();
                        System.in.read();
                    }
                }
            }
            """);
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), program.toString(), file().toString(), String.valueOf(first), String.valueOf(bytes))
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private String reserve(int lun) throws Exception {
        try (Command command = host.command(TestHost.UNIT0 | lun, TestHost.NONE, 0, 0x16, 0, 0, 0, 0, 0).run()) {
            return command.error() ? command.status() + "/" + Integer.toHexString(command.scsiStatus()) : "good";
        }
    }

    private void release(int lun) throws Exception { host.command(TestHost.UNIT0 | lun, TestHost.NONE, 0, 0x17, 0, 0, 0, 0, 0).run().good(); }

    @Test
    void aSharedVolumeIsReservedByOneProcessAtATime() throws Exception {
        length(1 << 20);
        Process holder = holder(Long.MAX_VALUE - 1, 1);
        try (InputStream said = holder.getInputStream()) {
            assertEquals('y', said.read());
            start("unit0.file", "unit0.img", "unit0.shared", "TRUE");
            assertEquals("1/18", reserve(0));
            host.write(0, block(1));
            assertArrayEquals(block(1), host.read(0, 1));
        } finally {
            holder.getOutputStream().close();
            assertTrue(holder.waitFor(30, TimeUnit.SECONDS));
        }
        assertEquals("good", reserve(0));
        assertEquals("good", reserve(0));
        Process late = holder(Long.MAX_VALUE - 1, 1);
        late.getOutputStream().close();
        assertEquals('n', late.getInputStream().read());
        release(0);
        release(0);
        Process last = holder(Long.MAX_VALUE - 1, 1);
        last.getOutputStream().close();
        assertEquals('y', last.getInputStream().read());
    }

    @Test
    void aVolumeThatIsNotSharedAndOneThatIsGetNotAlong() throws Exception {
        length(1 << 20);
        Process holder = holder(0, Long.MAX_VALUE);
        try (InputStream said = holder.getInputStream()) {
            assertEquals('y', said.read());
            start("unit0.file", "unit0.img", "unit0.shared", "TRUE");
            assertEquals("020400", testUnitReady());
        } finally {
            holder.getOutputStream().close();
            assertTrue(holder.waitFor(30, TimeUnit.SECONDS));
        }
        host.close();
        start("unit0.file", "unit0.img", "unit0.shared", "TRUE", "unit0.direct", "TRUE");
        assertEquals(List.of("line 3: unit0.direct = \"TRUE\": a shared unit goes through the page cache, which all who share it have in common"), host.complaints);
    }

    @Test
    void aResetForgetsAReservationAndTellsSo() throws Exception {
        start("unit0.file", "unit0.img", "unit0.size", "1M", "unit0.shared", "TRUE", "unit1.file", "unit1.img", "unit1.size", "1M");
        assertEquals("good", reserve(0));
        assertEquals("good", reserve(1));
        host.device.reset();
        host.start();
        assertEquals("062900", testUnitReady());
        assertEquals("good", testUnitReady());
        Process other = holder(Long.MAX_VALUE - 1, 1);
        other.getOutputStream().close();
        assertEquals('y', other.getInputStream().read());
        assertTrue(other.waitFor(30, TimeUnit.SECONDS));
        assertEquals("good", reserve(0));
    }

    @Test
    void aVolumeOfAnotherProcessIsNotReadyUntilItLetsGo() throws Exception {
        length(1 << 20);
        Process holder = holder(0, Long.MAX_VALUE);
        try (InputStream said = holder.getInputStream()) {
            assertEquals('y', said.read());
            start(UNIT);
            assertEquals("020400", testUnitReady());
            assertEquals("020400", sense(host.write10(0, block(1))));
            assertEquals("020400", sense(host.read10(0, 1)));
            assertEquals(1, host.command(0, TestHost.READ, 512, 0x26, 0, 0, 0, 0, 0, 0x12, 2, 0, 0).run().data()[0]);
        } finally {
            holder.getOutputStream().close();
            assertTrue(holder.waitFor(30, TimeUnit.SECONDS));
        }
        while (!testUnitReady().equals("good")) Thread.onSpinWait();
        host.write(0, block(1));
        assertArrayEquals(block(1), host.read(0, 1));
    }

    @Test
    void aFullDiskIsNoSpaceAndLosesNothing() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/full")), "there is no /dev/full here");
        start("unit0.file", "/dev/full", "unit0.size", "1M");
        // a device without a size is a truncated image: nothing can be written, and that is said
        assertEquals("030C00", sense(host.write10(0, block(1))));
        host.close();
        try (SmallDisk disk = SmallDisk.mount(home)) {
            assumeTrue(disk != null, "a small file system cannot be mounted here; root can");
            start("unit0.file", disk.folder.resolve("unit0.img").toString(), "unit0.size", "64M");
            int written = 0;
            String last;
            while ((last = sense(host.write10(written * 2048L, new byte[1 << 20]))).equals("good")) written++;
            assertEquals("072707", last);
            assertTrue(written > 0 && written < 16, "MB written: " + written);
            assertEquals("good", sense(host.command(TestHost.UNIT0, TestHost.NONE, 0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
            host.close();
        }
    }

    /** A file system of 4 MB in memory. */
    private record SmallDisk(Path folder) implements AutoCloseable {
        static SmallDisk mount(Path home) throws Exception {
            Path folder = Files.createDirectories(home.resolve("small"));
            return run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder.toString()) ? new SmallDisk(folder) : null;
        }

        private static boolean run(String... command) throws Exception {
            try {
                return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
            } catch (IOException e) {
                return false;
            }
        }

        @Override
        public void close() throws Exception { run("umount", folder.toString()); }
    }

    @Test
    void aFileThatIsAFolderOrMissingIsToldAndOtherUnitsWork() throws Exception {
        Files.createDirectories(home.resolve("folder"));
        start("unit0.file", "unit0.img", "unit0.size", "1M", "unit1.file", "missing", "unit2.file", "folder", "unit3.file", "x", "unit3.size", "1000");
        assertEquals(List.of("line 3: unit1.file = \"missing\": there is no file " + home.resolve("missing") + "; give the unit a size to have it made",
            "line 4: unit2.file = \"folder\": " + home.resolve("folder") + " is a folder; a file or a block device is needed",
            "line 6: unit3.size = \"1000\": a multiple of 512 bytes is needed"), host.complaints);
        host.write(0, block(1));
    }

    @Test
    void aDirectVolumeGoesPastThePageCacheWhereItIsAligned() throws Exception {
        Recorder recorder = new Recorder();
        try (VolumeFile volume = new VolumeFile(file(), 1 << 20, false, false, true, () -> Optional.of(recorder))) {
            ByteBuffer data = ByteBuffer.allocateDirect(8192).alignedSlice(4096).slice(0, 4096);
            data.putLong(0, 0x1122334455667788L);
            assertEquals(null, volume.write(data.duplicate(), 8192));
            assertEquals(1, recorder.direct);
            data.putLong(0, 0);
            assertEquals(null, volume.read(data.duplicate(), 8192));
            assertEquals(0x1122334455667788L, data.getLong(0));
            assertEquals(2, recorder.direct);
            assertEquals(null, volume.read(data.slice(0, 512), 8192));
            assertEquals(2, recorder.direct);
            assertEquals(0x1122334455667788L, data.getLong(0));
            assertEquals(null, volume.flush());
            assertEquals(1, recorder.flushes);
        }
        assertTrue(recorder.closed);
    }

    /** Files that want everything aligned to 4 KB, and count. */
    private static final class Recorder implements HostFiles {
        int direct, flushes;
        boolean closed;

        @Override
        public HostFile open(Path path, boolean writing) throws IOException {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            return new HostFile() {
                @Override public long size() { return 1 << 20; }

                @Override public int alignment() { return 4096; }

                @Override public boolean direct() { return true; }

                @Override
                public int read(ByteBuffer to, long position) throws IOException {
                    direct++;
                    return channel.read(to, position);
                }

                @Override
                public void write(ByteBuffer from, long position) throws IOException {
                    direct++;
                    channel.write(from, position);
                }

                @Override public void flush() { flushes++; }

                @Override
                public void close() throws IOException {
                    closed = true;
                    channel.close();
                }
            };
        }
    }
}
