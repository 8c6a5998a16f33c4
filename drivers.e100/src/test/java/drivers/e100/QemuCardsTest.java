package drivers.e100;

import static drivers.e100.Frames.frame;
import static drivers.e100.Frames.frames;
import static drivers.e100.TestKernel.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/** The driver on QEMU's models of the 82557, 82558 and 82559: each test for each of them. */
class QemuCardsTest {
    private static final String[] MODELS = {"i82557b", "i82558b", "i82559c"};
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:99"), GROUP = MacAddress.parse("01:00:5e:00:00:05"), OTHER_GROUP = MacAddress.parse("01:00:5e:7f:12:34");

    private static Qemu qemu;
    private static QemuCard[] cards;

    private TestKernel kernel;
    private QemuCard card;
    private Wire wire;
    private NetAdapter adapter;

    @BeforeAll
    static void start() throws Exception {
        qemu = Qemu.with(MODELS);
        cards = QemuCard.all(qemu, MODELS.length);
    }

    @AfterAll
    static void stop() throws Exception {
        for (QemuCard card : cards) card.close();
        qemu.close();
    }

    private void attach(int number, Map<String, String> parameters) throws Exception {
        card = cards[number];
        wire = qemu.wire(number);
        kernel = new TestKernel(parameters);
        adapter = kernel.attach(card);
    }

    private void attach(int number) throws Exception { attach(number, Map.of()); }

    @AfterEach
    void detach() {
        adapter.close();
        card.memory().takeBack();
        card.reset();
        wire.drain();
        kernel.close();
        assertEquals("", kernel.failure());
    }

    private long counted(String name) { return adapter.statistics().get(name); }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theAddressIsThatOfTheEepromAndTheLinkThatOfThePhy(int number) throws Exception {
        attach(number);
        assertEquals(Qemu.mac(number), adapter.address().toString());
        assertEquals(new LinkState(true, 100, true), adapter.link());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theSelfTestPasses(int number) throws Exception {
        attach(number, Map.of("SelfTest", "1"));
        assertEquals(1, adapter.transmit(frames(OTHER, 1, 60)));
        assertArrayEquals(frame(OTHER, 60, 0), wire.next());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void framesOfAllSizesAreOnTheWireAsTheyWere(int number) throws Exception {
        attach(number);
        List<byte[]> frames = new ArrayList<>();
        for (int bytes = 60; bytes <= 1514; bytes++) frames.add(frame(OTHER, bytes, bytes));
        kernel.transmit(adapter, frames);
        for (byte[] frame : frames) assertArrayEquals(frame, wire.next());
        assertEquals(frames.size(), counted("transmit good frames"));
        assertEquals(0, wire.waiting());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aShortFrameIsFilledUpWithZeros(int number) throws Exception {
        attach(number, Map.of("TxDescriptors", "16"));
        for (int i = 0; i < 40; i++) {
            kernel.transmit(adapter, List.of(frame(OTHER, 1514, i), frame(OTHER, 20, i)));
            assertArrayEquals(frame(OTHER, 1514, i), wire.next());
            assertArrayEquals(java.util.Arrays.copyOf(frame(OTHER, 20, i), 60), wire.next());
        }
        assertEquals(2, adapter.transmit(List.of(new byte[13], new byte[1519])), "taken, but not sent");
        assertEquals(2, counted("transmit frames of impossible size"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void framesOfAllSizesComeUpAsTheyWere(int number) throws Exception {
        attach(number, Map.of("RxDescriptors", "64"));
        List<byte[]> frames = new ArrayList<>();
        for (int bytes = 60; bytes <= 1514; bytes++) frames.add(frame(adapter.address(), bytes, bytes));
        receive(frames);
        assertEquals(frames.size(), counted("receive good frames"));
        assertEquals(0, counted("receive ring dry"));
    }

    /** Not more at a time than the ring takes. */
    private void receive(List<byte[]> frames) throws Exception {
        for (int from = 0; from < frames.size(); from += 8) {
            List<byte[]> some = frames.subList(from, Math.min(frames.size(), from + 8));
            for (byte[] frame : some) wire.send(frame);
            for (byte[] frame : some) assertArrayEquals(frame, kernel.nextFrame());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aFloodThatNobodyServesCostsOnlyWhatDidNotFit(int number) throws Exception {
        attach(number, Map.of("RxDescriptors", "32"));
        kernel.clockRuns = false; // it would look after the receiver, too
        for (int round = 0; round < 5; round++) {
            card.hold(true);
            List<byte[]> frames = frames(adapter.address(), 200, 100);
            for (byte[] frame : frames) wire.send(frame);
            long lost = 168L * (round + 1);
            await("the chip counts what it could not take", () -> counted("receive resource errors") == lost);
            card.hold(false);
            for (int i = 0; i < 32; i++) assertArrayEquals(frames.get(i), kernel.nextFrame());
            long dry = round + 1;
            await("the receiver is started again", () -> counted("receive ring dry") == dry);
            receive(frames);
        }
        assertTrue(kernel.received.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theFilterLetsInWhatItSays(int number) throws Exception {
        attach(number);
        MacAddress own = adapter.address();
        passes(ReceiveFilter.OWN, List.of(own, MacAddress.BROADCAST), List.of(OTHER, GROUP, OTHER_GROUP));
        passes(new ReceiveFilter(false, false, Set.of(GROUP)), List.of(own, MacAddress.BROADCAST, GROUP), List.of(OTHER, OTHER_GROUP));
        passes(new ReceiveFilter(false, true, Set.of()), List.of(own, MacAddress.BROADCAST, GROUP, OTHER_GROUP), List.of(OTHER));
        passes(ReceiveFilter.EVERYTHING, List.of(own, MacAddress.BROADCAST, GROUP, OTHER_GROUP, OTHER), List.of());
        Set<MacAddress> many = new java.util.HashSet<>();
        for (int i = 0; i < 100; i++) many.add(new MacAddress(GROUP.bits() + i));
        passes(new ReceiveFilter(false, false, many), List.of(own, MacAddress.BROADCAST, GROUP, OTHER_GROUP), List.of(OTHER));
        passes(ReceiveFilter.OWN, List.of(own, MacAddress.BROADCAST), List.of(OTHER, GROUP, OTHER_GROUP));
    }

    private void passes(ReceiveFilter filter, List<MacAddress> in, List<MacAddress> out) throws Exception {
        adapter.filter(filter);
        for (MacAddress address : out) wire.send(frame(address, 64, 1));
        for (MacAddress address : in) {
            wire.send(frame(address, 64, 2));
            assertArrayEquals(frame(address, 64, 2), kernel.nextFrame(), filter.toString());
        }
        assertTrue(kernel.received.isEmpty(), "in order, so the others did not come in");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aFilterIsSetBetweenFramesOfAFullRing(int number) throws Exception {
        attach(number, Map.of("TxDescriptors", "16"));
        card.hold(true);
        Random random = new Random(number);
        int taken = 0;
        for (int i = 0; i < 200; i++) {
            taken += adapter.transmit(frames(OTHER, random.nextInt(12), 60));
            adapter.filter(i % 2 == 0 ? ReceiveFilter.EVERYTHING : ReceiveFilter.OWN);
        }
        card.hold(false);
        for (int i = 0; i < taken; i++) wire.next();
        passes(ReceiveFilter.OWN, List.of(adapter.address()), List.of(OTHER, GROUP));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void interruptsComeOnlyWhenThereIsSomethingToDo(int number) throws Exception {
        attach(number);
        List<byte[]> frames = frames(OTHER, 4096, 60);
        for (int from = 0; from < frames.size(); from += 128) kernel.transmit(adapter, frames.subList(from, from + 128));
        await("all on the wire", () -> wire.waiting() == frames.size());
        long interrupts = counted("interrupts");
        assertTrue(interrupts < frames.size() / 16, () -> interrupts + " interrupts");
        assertTrue(card.inVain() < 10, () -> "the handler was called " + card.inVain() + " times in vain");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void framesGoBothWaysAtOnceThroughSmallRings(int number) throws Exception {
        attach(number, Map.of("TxDescriptors", "16", "RxDescriptors", "16"));
        List<byte[]> out = frames(OTHER, 3000, 300), in = frames(adapter.address(), 3000, 300);
        Thread sender = new Thread(() -> kernel.transmit(adapter, out));
        sender.start();
        for (int i = 0; i < in.size(); i++) {
            wire.send(in.get(i));
            if (i % 8 == 7) for (int n = i - 7; n <= i; n++) assertArrayEquals(in.get(n), kernel.nextFrame());
        }
        sender.join();
        for (byte[] frame : out) assertArrayEquals(frame, wire.next());
        assertEquals(0, wire.waiting());
        assertEquals(out.size(), counted("transmit good frames"));
        assertEquals(in.size(), counted("receive good frames"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void afterAResetItCanBeAttachedAgain(int number) throws Exception {
        attach(number);
        for (int i = 0; i < 5; i++) {
            assertEquals(1, adapter.transmit(frames(OTHER, 1, 60)));
            if (i % 2 == 0) adapter.quiesce(Duration.ofSeconds(2));
            adapter.close();
            assertEquals(0, adapter.transmit(frames(OTHER, 1, 60)), "closed");
            card.memory().takeBack();
            if (i > 2) card.reset();
            adapter = kernel.attach(card);
            assertArrayEquals(frame(OTHER, 60, 0), wire.next());
            receive(frames(adapter.address(), 40, 60));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void onceQuiescedNothingMovesAnyMore(int number) throws Exception {
        attach(number);
        List<byte[]> frames = frames(OTHER, 100, 60);
        int taken = adapter.transmit(frames);
        adapter.quiesce(Duration.ofSeconds(2));
        adapter.quiesce(Duration.ofSeconds(2));
        for (int i = 0; i < taken; i++) assertArrayEquals(frames.get(i), wire.next());
        assertEquals(0, adapter.transmit(frames));
        long received = counted("receive frames");
        for (int i = 0; i < 10; i++) wire.send(frame(adapter.address(), 60, i));
        adapter.save();
        kernel.received.clear();
        adapter.close();
        card.memory().takeBack();
        adapter = kernel.attach(card);
        receive(frames(adapter.address(), 10, 60));
        assertTrue(received < 10);
    }
}
