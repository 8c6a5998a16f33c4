package drivers.e100;

import static drivers.e100.Frames.frame;
import static drivers.e100.Frames.frames;
import static drivers.e100.TestKernel.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;

/** Hardware that breaks: a good card of QEMU, with accesses changed on their way. */
class BrokenHardwareTest {
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:99");
    private static final int STATUS = 0, COMMAND = 2, EEPROM = 0x0E, MDI = 0x10;
    private static final int CU_RESUME = 0x20, CU_DUMP_AND_RESET = 0x70, RU_START = 1;
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static Qemu qemu;
    private static QemuCard card;
    private static Wire wire;

    private TamperedCard tampered;
    private TestKernel kernel;

    @BeforeAll
    static void start() throws Exception {
        qemu = Qemu.with("i82559c");
        card = QemuCard.all(qemu, 1)[0];
        wire = qemu.wire(0);
    }

    @AfterAll
    static void stop() throws Exception {
        card.close();
        qemu.close();
    }

    @BeforeEach
    void plugIn() {
        card.reset();
        card.memory().takeBack();
        tampered = new TamperedCard(card);
        kernel = new TestKernel();
    }

    @AfterEach
    void unplug() {
        card.reset();
        card.memory().check();
        kernel.close();
        wire.drain();
    }

    /** As the kernel does after a failure; then the card works. */
    private void recovers(NetAdapter broken) throws Exception {
        broken.close();
        card.memory().takeBack();
        card.reset();
        try (TestKernel fresh = new TestKernel()) {
            NetAdapter adapter = fresh.attach(card);
            fresh.transmit(adapter, frames(OTHER, 1, 60));
            byte[] last = wire.next();
            while (wire.waiting() > 0) last = wire.next();
            assertArrayEquals(frame(OTHER, 60, 0), last);
            wire.send(frame(adapter.address(), 60, 1));
            assertArrayEquals(frame(adapter.address(), 60, 1), fresh.nextFrame());
            adapter.close();
            assertEquals("", fresh.failure());
        }
    }

    private void refused(String why) {
        DriverException refusal = assertThrows(DriverException.class, () -> kernel.attach(tampered));
        assertTrue(refusal.getMessage().contains(why) && !refusal.getMessage().contains("\n"), refusal.getMessage());
    }

    @Test
    void aCardThatIsNotThereIsNotAttached() {
        tampered.pullOut();
        refused("does not answer");
    }

    @Test
    void aCardThatIsPulledOutFailsOnceAndNothingHangs() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        tampered.pullOut();
        await("the failure", () -> !kernel.failure().isEmpty());
        assertTrue(kernel.failure().contains("does not answer"), kernel.failure());
        assertEquals(0, adapter.transmit(frames(OTHER, 3, 60)));
        adapter.filter(vmkernel.api.net.ReceiveFilter.EVERYTHING);
        adapter.statistics();
        assertThrows(TimeoutException.class, () -> adapter.quiesce(LIMIT));
        assertEquals(1, kernel.failures.size());
        recovers(adapter);
    }

    @Test
    void aCommandUnitThatStandsStillIsNoticed() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        tampered.writes = (offset, bytes, value) -> offset != COMMAND || value != CU_RESUME;
        assertEquals(2, adapter.transmit(frames(OTHER, 2, 60)));
        await("the failure", () -> !kernel.failure().isEmpty());
        assertTrue(kernel.failure().contains("hangs in state") && kernel.failure().contains("2 blocks"), kernel.failure());
        recovers(adapter);
    }

    @Test
    void aRingThatDoesNotDrainEndsTheQuiescingInTime() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        kernel.clockRuns = false;
        tampered.writes = (offset, bytes, value) -> offset != COMMAND || value != CU_RESUME;
        adapter.transmit(frames(OTHER, 2, 60));
        TimeoutException late = assertThrows(TimeoutException.class, () -> adapter.quiesce(Duration.ofMillis(20)));
        assertTrue(late.getMessage().contains("2 blocks"), late.getMessage());
        tampered.writes = (offset, bytes, value) -> true;
        tampered.write(0, COMMAND, 1, CU_RESUME);
        adapter.quiesce(LIMIT);
        recovers(adapter);
    }

    @Test
    void aCommandThatIsNeverAcceptedIsAFailure() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        tampered.reads = (offset, bytes, value) -> offset == COMMAND ? CU_RESUME : value;
        adapter.transmit(frames(OTHER, 1, 60));
        assertTrue(kernel.failure().contains("command 20 is not accepted"), kernel.failure());
        recovers(adapter);
    }

    @Test
    void aPhyThatNeverAnswersIsNotAttached() {
        tampered.reads = (offset, bytes, value) -> offset == MDI ? 0 : value;
        refused("PHY does not answer");
    }

    @Test
    void commandsThatAreNotExecutedAreNotAttached() {
        tampered.writes = (offset, bytes, value) -> offset != COMMAND;
        refused("does not execute its first commands");
    }

    @Test
    void aReceiverThatDoesNotStartIsNotAttached() {
        tampered.writes = (offset, bytes, value) -> offset != COMMAND || value != RU_START;
        refused("receive unit does not start");
    }

    @Test
    void withoutAnEepromThereIsNoAddress() {
        tampered.reads = (offset, bytes, value) -> offset == EEPROM ? value | 8 : value;
        refused("no EEPROM answers");
        card.memory().takeBack();
        tampered.reads = (offset, bytes, value) -> offset == EEPROM ? value & ~8L : value;
        refused("no EEPROM answers");
    }

    @Test
    void aWrongSumOfTheEepromIsOneLineInTheLog() throws Exception {
        int[] clocks = {0};
        tampered.writes = (offset, bytes, value) -> {
            if (offset == EEPROM && (value & 1) != 0) clocks[0]++;
            return true;
        };
        // a bit of the last word is read wrongly
        tampered.reads = (offset, bytes, value) -> offset == EEPROM && clocks[0] == 9 + 64 * 25 - 3 ? value ^ 8 : value;
        String log = logOf(() -> {
            NetAdapter adapter = kernel.attach(tampered);
            assertEquals(Qemu.mac(0), adapter.address().toString());
            adapter.close();
        });
        assertEquals(1, log.lines().filter(line -> line.contains("the sum of the EEPROM is wrong")).count(), log);
    }

    private interface Action {
        void run() throws Exception;
    }

    private static String logOf(Action action) throws Exception {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true));
        try {
            action.run();
        } finally {
            System.setErr(before);
        }
        return log.toString();
    }

    @Test
    void aLinkThatGoesAndComesIsTold() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        LinkState up = adapter.link();
        tampered.reads = (offset, bytes, value) -> offset == MDI && (value >> 16 & 0x1F) == 1 ? value & ~4L : value;
        await("the link goes down", () -> kernel.links().equals(List.of(LinkState.DOWN)));
        assertEquals(LinkState.DOWN, adapter.link());
        // negotiated with a partner that has only 10 Mbit/s half duplex
        tampered.reads = (offset, bytes, value) -> offset == MDI && (value >> 16 & 0x1F) == 5 ? value & 0xFFFF_0000L | 0x0021 : value;
        await("the link comes up", () -> kernel.links().equals(List.of(LinkState.DOWN, new LinkState(true, 10, false))));
        tampered.reads = (offset, bytes, value) -> value;
        await("the link is as it was", () -> adapter.link().equals(up));
        adapter.close();
    }

    @Test
    void anUnderrunMakesFramesWaitForMoreBytesInTheChip() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        DmaBuffer scratch = card.memory().buffers().get(0);
        tampered.writes = (offset, bytes, value) -> {
            if (offset != COMMAND || value != CU_DUMP_AND_RESET) return true;
            for (int i = 0; i < 16; i++) HostMemory.putInt(scratch.address() + 4 * i, i == 3 ? 1 : 0);
            HostMemory.putIntRelease(scratch.address() + 64, 0xA007);
            return false;
        };
        long threshold = adapter.statistics().get("transmit threshold");
        for (long more; threshold < 8 * 0xE0; threshold = more) {
            more = adapter.statistics().get("transmit threshold");
            assertTrue(more > threshold);
        }
        assertEquals(threshold, adapter.statistics().get("transmit threshold"), "more than any frame");
        kernel.transmit(adapter, frames(OTHER, 1, 1514));
        assertArrayEquals(frame(OTHER, 1514, 0), wire.next());
        adapter.close();
    }

    @Test
    void aDumpThatIsLateIsAddedTheNextTime() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        kernel.clockRuns = false;
        boolean[] late = {true};
        tampered.writes = (offset, bytes, value) -> offset != COMMAND || value != CU_DUMP_AND_RESET || !late[0];
        kernel.transmit(adapter, frames(OTHER, 5, 60));
        for (int i = 0; i < 5; i++) wire.next();
        assertEquals(0, adapter.statistics().get("transmit good frames"));
        late[0] = false;
        tampered.write(0, COMMAND, 1, CU_DUMP_AND_RESET);
        assertEquals(5, adapter.statistics().get("transmit good frames"));
        adapter.close();
    }

    @Test
    void lostInterruptsAreMadeGood() throws Exception {
        NetAdapter adapter = kernel.attach(tampered);
        card.hold(true);
        for (int i = 0; i < 300; i++) wire.send(frame(adapter.address(), 60, i));
        for (int i = 0; i < 256; i++) assertArrayEquals(frame(adapter.address(), 60, i), kernel.nextFrame());
        await("the receiver is started again", () -> Csr.receiveUnit((int) card.read(0, STATUS, 2)) == Csr.RU_READY);
        kernel.received.clear(); // a few more, if the clock ticked in time
        wire.send(frame(MacAddress.BROADCAST, 60, 1000));
        for (byte[] got; (got = kernel.nextFrame()) != null && Frames.number(got) != 1000; ) assertTrue(Frames.number(got) < 300);
        card.hold(false);
        adapter.close();
    }

    @Test
    void parametersThatMakeNoSenseAreToldInOneLine() throws Exception {
        for (Map<String, String> wrong : List.of(Map.of("TxDescriptors", "many"), Map.of("RxDescriptors", "15"), Map.of("RxDescriptors", "4097"), Map.of("debug", "-1"), Map.of("SelfTest", "2"))) {
            try (TestKernel other = new TestKernel(wrong)) {
                DriverException refusal = assertThrows(DriverException.class, () -> other.attach(card));
                assertTrue(refusal.getMessage().startsWith("e100: " + wrong.keySet().iterator().next()), refusal.getMessage());
            }
        }
        assertEquals(new Parameters(true, 32, 4096, false), Parameters.of(Map.of("debug", "5", "RxDescriptors", "17", "TxDescriptors", "4096")));
        for (String help : new E100().parameters().values()) assertFalse(help.contains("\n"));
    }
}
