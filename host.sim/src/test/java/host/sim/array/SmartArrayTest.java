package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.array.TestHost.Command;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SmartArrayTest {
    private static final long UNIT0 = TestHost.UNIT0;

    @TempDir
    Path home;
    private TestHost host;

    @BeforeEach
    void power() throws Exception { host = TestHost.of(home); }

    @AfterEach
    void close() { host.close(); }

    private static byte[] random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    // the board

    @ParameterizedTest
    @EnumSource(Board.class)
    void everyBoardServesReadsAndWritesByInterrupt(Board board) throws Exception {
        host.close();
        host = new TestHost(board, home, "unit0.file", "unit0.img", "unit0.size", "16M");
        assertEquals(board.boardId(), host.device.readConfig(0x2C, 4));
        assertEquals(0x53534943, host.table(0));
        assertEquals(3, host.table(0x0C));
        byte[] data = random(8192, 1);
        host.write(100, data);
        assertArrayEquals(data, host.read(100, 16));
        assertArrayEquals(new byte[512], host.read(99, 1));
        byte[] file = Files.readAllBytes(home.resolve("unit0.img"));
        assertEquals(16 << 20, file.length);
        assertArrayEquals(data, java.util.Arrays.copyOfRange(file, 51_200, 51_200 + 8192));
    }

    @Test
    void theHandshakeChoosesTheSimpleTransport() {
        host.device.reset();
        assertEquals(0xFFFF_0000, host.register(0xB0));
        assertEquals(0x14, host.register(0xB4) & 0xFFFF);
        assertEquals(0x53534943, host.table(0));
        assertEquals(2, host.table(8) & 2);
        assertEquals(0, host.table(8) & 4, "the performant transport is not there");
        assertEquals(0, host.table(0x0C) & 2);
        host.table(0x10, 4);
        host.register(0x20, 1);
        assertEquals(0, host.register(0x20));
        assertEquals(0, host.table(0x0C) & 6);
        host.table(0x10, 2);
        host.register(0x20, 1);
        assertEquals(2, host.table(0x0C) & 2);
        assertTrue(host.table(0x20) >= 16);
        host.table(0x20, 1);
        assertTrue(host.table(0x20) >= 16, "what is the board's cannot be written");
    }

    @Test
    void theHeartbeatTicks() {
        int first = host.table(0x3C);
        while (host.table(0x3C) == first) Thread.onSpinWait();
        assertNotEquals(first, host.table(0x3C));
    }

    @Test
    void aMaskedInterruptIsPendingButNotDriven() throws Exception {
        host.register(0x34, ~0);
        assertEquals(-1, host.register(0x44));
        Command command = host.read10(0, 1).post();
        while (host.register(0x30) == 0) Thread.onSpinWait();
        assertEquals(4, host.register(0x30));
        assertFalse(command.done());
        host.register(0x34, ~4);
        command.await().good();
        assertEquals(0, host.register(0x30));
    }

    @Test
    void pollingNeedsNoInterrupt() throws Exception {
        host.register(0x34, ~0);
        try (Command command = host.read10(0, 1).post()) {
            int word;
            do word = host.register(0x44); while (word == -1);
            assertEquals((int) command.block.busAddress(), word);
        }
    }

    @Test
    void withoutATransportNothingIsServed() throws Exception {
        host.device.reset();
        host.device.writeConfig(4, 2, 6);
        host.read10(0, 1).post();
        host.start();
        host.read(0, 1);
        assertEquals(1, host.open.size());
    }

    @Test
    void withoutBusMasteringNothingIsServed() throws Exception {
        host.close();
        host = new TestHost(Board.SMARTARRAY5I, home, "unit0.file", "unit0.img", "unit0.size", "16M", "threads", "1");
        host.device.writeConfig(4, 2, 2);
        Command command = host.read10(0, 1).post();
        host.read10(0, 1).post();
        while (host.array.waiting() > 0) Thread.onSpinWait(); // the one thread has taken the second, so it is done with the first
        host.device.writeConfig(4, 2, 6);
        host.read(0, 1);
        assertFalse(command.done());
    }

    // lists

    @Test
    void scatteredMemoryIsGathered() throws Exception {
        byte[] data = random(4096, 2);
        DmaBuffer memory = host.device.allocate(65_536, 4096);
        for (int i = 0; i < 8; i++) HostMemory.write(memory.address() + i * 4096L, data, i * 512, 512);
        long[] pieces = new long[16];
        for (int i = 0; i < 8; i++) {
            pieces[2 * i] = memory.busAddress() + i * 4096L;
            pieces[2 * i + 1] = 512;
        }
        host.command(UNIT0, TestHost.WRITE, 0, TestHost.rw(0x2A, 5, 8)).segments(pieces).run().good();
        assertArrayEquals(data, host.read(5, 8));
    }

    @Test
    void piecesNeedNotBeWholeBlocks() throws Exception {
        byte[] data = random(1024, 3);
        host.write(7, data);
        DmaBuffer memory = host.device.allocate(4096, 64);
        long at = memory.busAddress();
        host.command(UNIT0, TestHost.READ, 0, TestHost.rw(0x28, 7, 2)).segments(at, 100, at + 1000, 500, at + 2000, 1, at + 3000, 423).run().good();
        byte[] read = new byte[1024];
        HostMemory.read(memory.address(), read, 0, 100);
        HostMemory.read(memory.address() + 1000, read, 100, 500);
        HostMemory.read(memory.address() + 2000, read, 600, 1);
        HostMemory.read(memory.address() + 3000, read, 601, 423);
        assertArrayEquals(data, read);
    }

    @Test
    void aListGoesOnInAChainBlock() throws Exception {
        byte[] data = random(512 * 100, 4);
        DmaBuffer memory = host.device.allocate(512 * 200, 64), chain = host.device.allocate(16 * 98, 64);
        for (int i = 0; i < 100; i++) HostMemory.write(memory.address() + i * 1024L, data, i * 512, 512);
        Command command = host.command(UNIT0, TestHost.WRITE, 0, TestHost.rw(0x2A, 0, 100)).segments(memory.busAddress(), 512, memory.busAddress() + 1024, 512, 0, 0);
        command.chain(2, chain.busAddress(), 98);
        for (int i = 0; i < 98; i++) Command.segment(chain.address() + 16L * i, memory.busAddress() + 1024L * (i + 2), 512, 0);
        command.run().good();
        assertArrayEquals(data, host.read(0, 100));
    }

    @Test
    void moreMemoryThanDataIsAnUnderrunAndLessAnOverrun() throws Exception {
        Command more = host.command(UNIT0, TestHost.READ, 2048, TestHost.rw(0x28, 0, 1)).run();
        assertEquals(2, more.status());
        assertEquals(1536, more.residual());
        assertEquals(3, host.command(UNIT0, TestHost.READ, 512, TestHost.rw(0x28, 0, 2)).run().status());
    }

    @Test
    void listsThatMakeNoSenseAreInvalid() throws Exception {
        Command outside = host.command(UNIT0, TestHost.READ, 0, TestHost.rw(0x28, 0, 1)).segments(0xE000_0000L, 512).run();
        assertEquals(6, outside.status());
        assertEquals(4, host.command(UNIT0, TestHost.READ, 0, TestHost.rw(0x28, 0, 1)).segments(1 << 20, -512).run().status());
        Command loop = host.command(UNIT0, TestHost.READ, 0, TestHost.rw(0x28, 0, 1)).segments(0, 0);
        loop.chain(0, loop.block.busAddress() + 0x34, 1);
        assertEquals(4, loop.run().status());
        assertEquals(4, host.command(UNIT0, TestHost.WRITE, 512, TestHost.rw(0x28, 0, 1)).run().status(), "the wrong direction");
        assertEquals(4, host.command(UNIT0, TestHost.READ, 512).run().status(), "no CDB");
        assertEquals(4, host.command(UNIT0, TestHost.NONE, 0, 0).type(7).run().status());
        host.read(0, 1);
    }

    // what it says of itself

    @Test
    void theControllerReportsItsVolumes() throws Exception {
        host.close();
        host = new TestHost(Board.SMARTARRAYP400, home, "unit0.file", "a", "unit0.size", "1M", "unit5.file", "b", "unit5.size", "2M");
        Command logical = host.command(0, TestHost.READ, 24, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0).run();
        logical.good();
        assertEquals(16, logical.bigEndian().getInt(0));
        assertArrayEquals(new byte[] {0, 0, 0, 0x40, 0, 0, 0, 0, 5, 0, 0, 0x40, 0, 0, 0, 0}, java.util.Arrays.copyOfRange(logical.data(), 8, 24));
        Command capacity = host.command(UNIT0 | 5, TestHost.READ, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0).run();
        capacity.good();
        assertEquals(4095, capacity.bigEndian().getInt(0));
        assertEquals("052500", host.command(UNIT0 | 1, TestHost.NONE, 0, 0, 0, 0, 0, 0, 0).run().sense());
        assertEquals("052500", host.command(0x4000_0000_4000_0000L, TestHost.NONE, 0, 0, 0, 0, 0, 0, 0).run().sense());
        Command physical = host.command(0, TestHost.READ, 8, 0xC3, 2, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0).run();
        assertEquals(0, physical.bigEndian().getInt(0));
    }

    private String text(Command command, int from, int to) { return new String(command.data(), from, to - from, StandardCharsets.US_ASCII); }

    @Test
    void inquiryNamesVolumeAndController() throws Exception {
        Command volume = host.command(UNIT0, TestHost.READ, 36, 0x12, 0, 0, 0, 36, 0).run();
        volume.good();
        assertEquals(0, volume.data()[0]);
        assertEquals("COMPAQ  LOGICAL VOLUME  2.36", text(volume, 8, 36));
        Command controller = host.command(0, TestHost.READ, 96, 0x12, 0, 0, 0, 96, 0).run();
        assertEquals(2, controller.status());
        assertEquals(60, controller.residual());
        assertEquals(0x0C, controller.data()[0]);
        assertEquals("SMART ARRAY 5I", text(controller, 16, 30));
    }

    @Test
    void vitalProductDataTellIdentityGeometryAndState() throws Exception {
        Command pages = host.command(UNIT0, TestHost.READ, 9, 0x12, 1, 0, 0, 9, 0).run();
        assertArrayEquals(new byte[] {0, 0, 0, 5, 0, (byte) 0x80, (byte) 0x83, (byte) 0xC1, (byte) 0xC3}, pages.data());
        Command id = host.command(UNIT0, TestHost.READ, 24, 0x12, 1, 0x83, 0, 24, 0).run();
        id.good();
        assertEquals(0x60, id.data()[8]);
        Command geometry = host.command(UNIT0, TestHost.READ, 64, 0x12, 1, 0xC1, 0, 64, 0).run();
        assertEquals(2, geometry.bigEndian().getShort(4));
        assertEquals(0, host.command(UNIT0, TestHost.READ, 8, 0x12, 1, 0xC3, 0, 8, 0).run().data()[4]);
        assertEquals("052400", host.command(UNIT0, TestHost.READ, 8, 0x12, 1, 0xC7, 0, 8, 0).run().sense());
    }

    @Test
    void capacityAndModePagesAreTold() throws Exception {
        assertEquals(32_767, host.command(UNIT0, TestHost.READ, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0).run().bigEndian().getInt(0));
        Command capacity = host.command(UNIT0, TestHost.READ, 32, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0).run();
        capacity.good();
        assertEquals(32_767, capacity.bigEndian().getLong(0));
        assertEquals(512, capacity.bigEndian().getInt(8));
        Command mode = host.command(UNIT0, TestHost.READ, 24, 0x1A, 0, 8, 0, 24, 0).run();
        mode.good();
        assertArrayEquals(new byte[] {23, 0, 0x10, 0, 8, 18, 4}, java.util.Arrays.copyOf(mode.data(), 7));
        assertEquals(0x10, host.command(UNIT0, TestHost.READ, 8, 0x5A, 0, 0, 0, 0, 0, 0, 0, 8, 0).run().data()[3]);
        assertEquals("052000", host.command(UNIT0, TestHost.NONE, 0, 0x04, 0, 0, 0, 0, 0).run().sense());
    }

    @Test
    void theManagementInterfaceIdentifiesAndFlushes() throws Exception {
        Command controller = host.command(0, TestHost.READ, 512, 0x26, 0, 0, 0, 0, 0, 0x11, 2, 0, 0).run();
        controller.good();
        assertEquals(1, controller.data()[0]);
        assertEquals("2.36", text(controller, 5, 9));
        Command drive = host.command(0, TestHost.READ, 512, 0x26, 0, 0, 0, 0, 0, 0x10, 2, 0, 0).run();
        assertEquals(512, Short.reverseBytes(drive.bigEndian().getShort(0)));
        assertEquals(32_768, Integer.reverseBytes(drive.bigEndian().getInt(2)));
        assertEquals(0, host.command(0, TestHost.READ, 512, 0x26, 0, 0, 0, 0, 0, 0x12, 2, 0, 0).run().data()[0]);
        assertEquals("052400", host.command(0, TestHost.READ, 512, 0x26, 7, 0, 0, 0, 0, 0x12, 2, 0, 0).run().sense());
        host.command(0, TestHost.READ, 512, 0x26, 0, 0, 0, 0, 0, 0x66, 2, 0, 0).run().good();
        host.command(0, TestHost.WRITE, 512, 0x27, 0, 0, 0, 0, 0, 0xC2, 2, 0, 0).run().good();
    }

    // blocks

    @Test
    void allSizesOfReadAndWriteReachTheSameBlocks() throws Exception {
        int[][] writes = {{0x0A, 0, 0, 20, 2, 0}, {0x2A, 0, 0, 0, 0, 30, 0, 0, 2, 0}, {0xAA, 0, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0}, {0x8A, 0, 0, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0, 2, 0, 0}, {0x2A, 8, 0, 0, 0, 60, 0, 0, 2, 0}};
        for (int[] cdb : writes) {
            byte[] data = random(1024, cdb[0]);
            Command write = host.command(UNIT0, TestHost.WRITE, 1024, cdb);
            write.put(data);
            write.run().good();
            int[] back = cdb.clone();
            back[0] = cdb[0] - 2;
            Command read = host.command(UNIT0, TestHost.READ, 1024, back).run();
            read.good();
            assertArrayEquals(data, read.data());
        }
        host.command(UNIT0, TestHost.NONE, 0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0).run().good();
        host.command(UNIT0, TestHost.NONE, 0, 0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).run().good();
        assertArrayEquals(random(1024, 0x2A), host.read(60, 2));
    }

    @Test
    void blocksBeyondTheEndAreOutOfRange() throws Exception {
        assertEquals("052100", host.read10(32_768, 1).run().sense());
        assertEquals("052100", host.read10(32_767, 2).run().sense());
        assertEquals("052100", host.write10(0xFFFF_FFFFL, new byte[512]).run().sense());
        assertEquals("052100", host.command(UNIT0, TestHost.READ, 512, 0x88, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0).run().sense());
        host.read(32_767, 1);
        host.command(UNIT0, TestHost.NONE, 0, TestHost.rw(0x28, 32_768, 0)).run().good();
    }

    @Test
    void manyCommandsAtATimeKeepTheirData() throws Exception {
        Random random = new Random(11);
        byte[] image = new byte[1 << 20];
        List<Command> commands = new ArrayList<>();
        for (int round = 0; round < 40; round++) {
            // blocks of a round are apart, so that their order does not matter
            for (int i = 0; i < 64; i++) {
                byte[] data = random((1 + random.nextInt(16)) * 512, random.nextLong());
                System.arraycopy(data, 0, image, i * 16_384, data.length);
                commands.add(host.write10(i * 32, data).post());
            }
            for (Command command : commands) {
                command.await().good();
                command.close();
            }
            commands.clear();
        }
        for (int i = 0; i < 128; i++) commands.add(host.read10(i * 16, 16).post());
        for (int i = 0; i < 128; i++) {
            commands.get(i).await().good();
            assertArrayEquals(java.util.Arrays.copyOfRange(image, i * 8192, i * 8192 + 8192), commands.get(i).data());
        }
        assertEquals(List.of(), host.strays);
    }
}
