package drivers.e100;

import static drivers.e100.Frames.frame;
import static drivers.e100.Frames.frames;
import static drivers.e100.TestKernel.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import vmkernel.api.handover.HandoverContract;
import vmkernel.api.handover.SavedState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/** A driver gives QEMU's 82558 to its successor. */
class AdapterHandoverTest extends HandoverContract {
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:99"), GROUP = MacAddress.parse("01:00:5e:00:00:05");
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static Qemu qemu;
    private static QemuCard card;
    private static Wire wire;

    @BeforeAll
    static void start() throws Exception {
        qemu = Qemu.with("i82558b");
        card = QemuCard.all(qemu, 1)[0];
        wire = qemu.wire(0);
    }

    @AfterAll
    static void stop() throws Exception {
        card.close();
        qemu.close();
    }

    @Override
    protected Subject create() throws Exception { return new Attached(Optional.empty(), ReceiveFilter.OWN); }

    @Override
    protected List<String> goldenStates() { return List.of("state-1"); }

    private static final class Attached implements Subject {
        private final TestKernel kernel = new TestKernel();
        private final NetAdapter adapter;
        private ReceiveFilter filter;

        Attached(Optional<SavedState> state, ReceiveFilter filter) throws Exception {
            this.filter = filter;
            card.memory().takeBack();
            adapter = kernel.attach(card, state);
        }

        @Override
        public void quiesce() throws Exception { adapter.quiesce(LIMIT); }

        @Override
        public SavedState save() { return adapter.save(); }

        @Override
        public Subject successor(Optional<SavedState> state) throws Exception {
            close();
            return new Attached(state, state.isPresent() ? filter : ReceiveFilter.OWN);
        }

        @Override
        public void use(Random random) throws Exception {
            switch (random.nextInt(3)) {
                case 0 -> {
                    List<byte[]> frames = frames(OTHER, random.nextInt(300), 60 + random.nextInt(1000));
                    kernel.transmit(adapter, frames);
                    for (byte[] frame : frames) assertArrayEquals(frame, wire.next());
                }
                case 1 -> {
                    for (int i = random.nextInt(40); i > 0; i--) receive(frame(adapter.address(), 60 + random.nextInt(1000), i));
                }
                default -> {
                    filter = new ReceiveFilter(random.nextBoolean(), random.nextBoolean(), random.nextBoolean() ? Set.of() : Set.of(GROUP));
                    adapter.filter(filter);
                }
            }
        }

        private void receive(byte[] frame) throws Exception {
            wire.send(frame);
            assertArrayEquals(frame, kernel.nextFrame());
        }

        @Override
        public void verify() throws Exception {
            kernel.transmit(adapter, frames(OTHER, 1, 60));
            assertArrayEquals(frame(OTHER, 60, 0), wire.next());
            if (filter.promiscuous()) receive(frame(OTHER, 70, 1)); else wire.send(frame(OTHER, 70, 1));
            boolean all = filter.allMulticast() || filter.promiscuous();
            if (all || filter.groups().contains(GROUP)) receive(frame(GROUP, 70, 2)); else wire.send(frame(GROUP, 70, 2));
            receive(frame(adapter.address(), 70, 3));
            assertEquals("", kernel.failure());
        }

        @Override
        public void close() {
            adapter.close();
            kernel.close();
        }
    }

    /** What was taken before is on the wire, once; what comes in is never doubled nor out of order. */
    @Test
    void underLoadNoFrameThatWasTakenIsLost() throws Exception {
        card.memory().takeBack();
        wire.drain();
        int rounds = 20, burst = 200;
        int sent = 0, given = 0, last = -1;
        Optional<SavedState> state = Optional.empty();
        for (int round = 0; round < rounds; round++) {
            try (TestKernel kernel = new TestKernel()) {
                NetAdapter adapter = kernel.attach(card, state);
                List<byte[]> frames = frames(OTHER, (round + 1) * burst, 100).subList(round * burst, (round + 1) * burst);
                for (int i = 0; i < 100; i++) wire.send(frame(adapter.address(), 80, given++));
                for (int n = 0; n >= 0 && n < burst; ) n += adapter.transmit(frames.subList(n, Math.min(burst, n + 7)));
                sent += burst;
                adapter.quiesce(LIMIT);
                state = Optional.of(adapter.save());
                adapter.close();
                card.memory().takeBack();
                assertEquals("", kernel.failure());
                for (byte[] frame : kernel.received) {
                    assertTrue(Frames.number(frame) > last, "in order");
                    last = Frames.number(frame);
                }
            }
        }
        int all = sent;
        await("all on the wire", () -> wire.waiting() == all);
        for (int i = 0; i < all; i++) assertEquals(i, Frames.number(wire.next()));
        assertEquals(0, wire.waiting());
        assertTrue(last > given / 2, "frames came in");
    }
}
