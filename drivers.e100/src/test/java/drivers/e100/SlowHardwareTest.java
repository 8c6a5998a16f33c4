package drivers.e100;

import static drivers.e100.Frames.frames;
import static drivers.e100.TestKernel.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.handover.SavedState;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/** Hardware that is late with everything, at moments that a seed chooses. */
class SlowHardwareTest {
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:99");

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Map<String, String> SMALL = Map.of("TxDescriptors", "32", "RxDescriptors", "32");

    private static Qemu qemu;
    private static QemuCard[] cards;

    @BeforeAll
    static void start() throws Exception {
        qemu = Qemu.with("i82557b", "i82558b", "i82559c");
        cards = QemuCard.all(qemu, 3);
    }

    @AfterAll
    static void stop() throws Exception {
        for (QemuCard card : cards) card.close();
        qemu.close();
    }

    /** A slow card with small rings. A state saves the slow reading of the EEPROM. */
    private NetAdapter attach(TestKernel kernel, QemuCard card, SlowCard slow) throws Exception {
        NetAdapter quickly = kernel.attach(card);
        quickly.quiesce(LIMIT);
        SavedState state = quickly.save();
        quickly.close();
        card.memory().takeBack();
        return kernel.attach(slow, Optional.of(state));
    }

    private static void detach(TestKernel kernel, QemuCard card, NetAdapter adapter) {
        adapter.close();
        card.memory().takeBack();
        assertEquals("", kernel.failure());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void nothingIsLostNorTwice(int seed) throws Exception {
        QemuCard card = cards[seed % 3];
        Wire wire = qemu.wire(seed % 3);
        try (SlowCard slow = new SlowCard(card, HostMemory.addressOf(qemu.ram()), seed); TestKernel kernel = new TestKernel(SMALL)) {
            NetAdapter adapter = attach(kernel, card, slow);
            List<byte[]> out = frames(OTHER, 1000, 200), in = frames(adapter.address(), 300, 200);
            Thread sender = new Thread(() -> send(kernel, adapter, out, new Random(seed)));
            sender.start();
            for (byte[] frame : in) {
                wire.send(frame);
                assertArrayEquals(frame, kernel.nextFrame());
            }
            sender.join();
            for (byte[] frame : out) assertArrayEquals(frame, wire.next());
            adapter.quiesce(LIMIT);
            assertEquals(out.size(), adapter.statistics().get("transmit good frames"));
            assertEquals(in.size(), adapter.statistics().get("receive good frames"));
            assertEquals(0, wire.waiting());
            detach(kernel, card, adapter);
        }
    }

    private static void send(TestKernel kernel, NetAdapter adapter, List<byte[]> frames, Random random) {
        for (int from = 0; from < frames.size(); ) {
            int to = Math.min(frames.size(), from + 1 + random.nextInt(40));
            kernel.transmit(adapter, frames.subList(from, to));
            adapter.filter(random.nextBoolean() ? ReceiveFilter.EVERYTHING : ReceiveFilter.OWN);
            from = to;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void aReceiverThatRunsDryAgainAndAgainLosesOnlyWhatDidNotFit(int seed) throws Exception {
        QemuCard card = cards[seed % 3];
        Wire wire = qemu.wire(seed % 3);
        try (SlowCard slow = new SlowCard(card, HostMemory.addressOf(qemu.ram()), seed); TestKernel kernel = new TestKernel(SMALL)) {
            NetAdapter adapter = attach(kernel, card, slow);
            List<byte[]> frames = frames(adapter.address(), 3000, 100);
            for (byte[] frame : frames) wire.send(frame);
            await("all came in or were counted as lost", () -> kernel.received.size() + adapter.statistics().get("receive resource errors") == frames.size());
            int last = -1;
            for (byte[] frame : kernel.received) {
                assertTrue(Frames.number(frame) > last, "once, and in order");
                last = Frames.number(frame);
                assertArrayEquals(frames.get(last), frame);
            }
            assertTrue(adapter.statistics().get("receive ring dry") > 0);
            detach(kernel, card, adapter);
        }
    }
}
