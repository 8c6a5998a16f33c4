package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.array.Faults.Fault;
import host.sim.array.TestHost.Command;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.memory.HostMemory;

/** Failures, lockups, aborts and resets. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FaultsTest {
    @TempDir
    Path home;
    private TestHost host;

    @BeforeEach
    void power() throws Exception { host = TestHost.of(home); }

    @AfterEach
    void close() { host.close(); }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) Thread.onSpinWait();
    }

    /** Posts a read that is taken up and held. */
    private Command held() {
        host.array.faults().hold();
        Command command = host.read10(0, 1).post();
        await(() -> host.array.heldCommands() == 1);
        return command;
    }

    @Test
    void theNthTransferFailsAsItIsToldAndTheNextSucceeds() throws Exception {
        host.array.faults().fail(2, Fault.MEDIUM);
        host.read(0, 1);
        assertEquals("031100", host.read10(0, 1).run().sense());
        host.read(0, 1);
        host.array.faults().fail(1, Fault.MEDIUM);
        assertEquals("030C00", host.write10(0, new byte[512]).run().sense());
        host.array.faults().fail(1, Fault.HARDWARE);
        assertEquals(6, host.read10(0, 1).run().status());
        host.array.faults().fail(1, Fault.BUSY);
        Command busy = host.read10(0, 1).run();
        assertEquals(1, busy.status());
        assertEquals(8, busy.scsiStatus());
        host.read(0, 1);
    }

    @Test
    void aLostCommandIsDoneButNotAnswered() throws Exception {
        host.array.faults().fail(1, Fault.LOST);
        byte[] data = new byte[512];
        data[5] = 5;
        Command lost = host.write10(0, data).post();
        while (!java.util.Arrays.equals(data, host.read(0, 1))) Thread.onSpinWait();
        assertFalse(lost.done());
    }

    @Test
    void aLockedUpControllerHasNoHeartbeatAndNoRepliesUntilItIsReset() throws Exception {
        int beat = host.table(0x3C);
        host.array.faults().lockUp();
        int stopped = host.table(0x3C);
        assertTrue(stopped - beat >= 0);
        Command command = host.read10(0, 1).post();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
        await(() -> System.nanoTime() > end);
        assertEquals(stopped, host.table(0x3C));
        assertFalse(command.done());
        assertEquals(0, host.register(0x30));
        assertEquals(-1, host.register(0x44));
        host.device.reset();
        await(() -> host.table(0x3C) != stopped);
        host.start();
        host.read(0, 1);
        assertFalse(command.done(), "what was posted before the reset is forgotten");
    }

    @Test
    void aHeldCommandCanBeAborted() throws Exception {
        Command held = held();
        long tag = HostMemory.getInt(held.block.address() + 4) & 0xFFFF_FFFFL;
        host.command(TestHost.UNIT0, TestHost.NONE, 0, abort(tag)).type(1).run().good();
        assertEquals(8, held.await().status());
        host.array.faults().release();
        assertEquals(9, host.command(TestHost.UNIT0, TestHost.NONE, 0, abort(tag)).type(1).run().status(), "there is nothing left to abort");
    }

    private static int[] abort(long tag) { return new int[] {0, 0, 0, 0, (int) tag, (int) (tag >> 8), (int) (tag >> 16), (int) (tag >> 24), 0, 0, 0, 0, 0, 0, 0, 0}; }

    @Test
    void aResetOfTheUnitEndsWhatIsHeld() throws Exception {
        Command held = held();
        host.command(TestHost.UNIT0 | 3, TestHost.NONE, 0, 1, 4, 0, 0).type(1).run();
        assertFalse(held.done());
        host.command(TestHost.UNIT0, TestHost.NONE, 0, 1, 4, 0, 0).type(1).run().good();
        assertEquals(10, held.await().status());
        host.command(0, TestHost.NONE, 0, 3, 0).type(1).run().good();
        assertEquals(4, host.command(0, TestHost.NONE, 0, 9, 0).type(1).run().status());
    }

    @Test
    void transfersThatWaitDoNotHoldUpOthers() throws Exception {
        host.array.faults().hold();
        List<Command> commands = new ArrayList<>();
        for (int i = 0; i < 7; i++) commands.add(host.read10(i, 1).post());
        await(() -> host.array.heldCommands() == 7);
        host.command(TestHost.UNIT0, TestHost.READ, 36, 0x12, 0, 0, 0, 36, 0).run().good();
        host.array.faults().release();
        for (Command command : commands) command.await().good();
    }

    @Test
    void aSlowTransferTakesItsTime() throws Exception {
        host.array.faults().slow(50, TimeUnit.MILLISECONDS);
        long start = System.nanoTime();
        host.read(0, 1);
        assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(50));
    }

    @Test
    void afterAResetNothingTouchesMemory() throws Exception {
        byte[] ones = new byte[512];
        java.util.Arrays.fill(ones, (byte) 1);
        host.write(0, ones);
        for (int round = 0; round < 50; round++) {
            List<Command> commands = new ArrayList<>();
            if (round % 2 == 0) host.array.faults().hold();
            for (int i = 0; i < 40; i++) commands.add(host.read10(0, 1).post());
            host.device.reset();
            host.device.writeConfig(4, 2, 6);
            for (Command command : commands) HostMemory.fill(command.memory.address(), 512, (byte) 0);
            host.array.faults().release();
            host.start();
            assertEquals(1, host.read(0, 1)[0]);
            for (Command command : commands) {
                assertArrayEquals(new byte[512], command.data());
                command.close();
            }
        }
        assertEquals(List.of(), host.strays);
    }

    /** As when the kernel resets the device under a lock that the driver's handler wants. */
    @Test
    void whatIsPostedAfterAResetIsAnsweredWhateverTheWorkersWereAt() throws Exception {
        for (int i = 0; i < 2000; i++) {
            for (int n = i % 4; n > 0; n--) host.read10(n, 1).post(); // some are under way, some workers look for more
            host.device.reset();
            host.open.clear();
            host.start();
            host.read(0, 1);
        }
    }

    @Test
    void aResetDoesNotWaitForAHandler() throws Exception {
        CountDownLatch inside = new CountDownLatch(1), leave = new CountDownLatch(1);
        host.device.onInterrupt(() -> {
            inside.countDown();
            try {
                leave.await();
            } catch (InterruptedException e) {
                return false;
            }
            return host.interrupt();
        });
        host.read10(0, 1).post();
        inside.await();
        CompletableFuture.runAsync(host.device::reset).get(30, TimeUnit.SECONDS);
        leave.countDown();
        host.start();
        host.read(0, 1);
    }

    @Test
    void theDoorbellResetsToo() throws Exception {
        Command held = held();
        host.register(0x20, 4);
        await(() -> host.register(0xB0) == 0xFFFF_0000);
        host.array.faults().release();
        assertEquals(0, host.table(0x0C) & 2);
        host.start();
        host.read(0, 1);
        assertFalse(held.done());
    }

    @Test
    void whenThePowerIsCutItsThreadsEnd() throws Exception {
        host.array.faults().hold();
        for (int i = 0; i < 4; i++) host.read10(i, 1).post();
        await(() -> host.array.heldCommands() == 4);
        host.close();
        await(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().startsWith("Smart Array 5i")));
    }
}
