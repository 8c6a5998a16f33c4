package drivers.e100;

import static drivers.e100.Frames.frames;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void nothingIsLostNorTwice(int seed) throws Exception {
        QemuCard card = cards[seed % 3];
        Wire wire = qemu.wire(seed % 3);
        Random random = new Random(seed);
        try (SlowCard slow = new SlowCard(card, HostMemory.addressOf(qemu.ram()), seed); TestKernel kernel = new TestKernel(Map.of("TxDescriptors", "32", "RxDescriptors", "32"))) {
            // an address in the state saves the slow reading of the EEPROM
            NetAdapter adapter = kernel.attach(card);
            adapter.quiesce(Duration.ofSeconds(5));
            SavedState state = adapter.save();
            adapter.close();
            card.memory().takeBack();
            NetAdapter slowly = kernel.attach(slow, Optional.of(state));
            List<byte[]> out = frames(OTHER, 1000, 200), in = frames(adapter.address(), 300, 200);
            Thread sender = new Thread(() -> {
                for (int from = 0; from < out.size(); ) {
                    int to = Math.min(out.size(), from + 1 + random.nextInt(40));
                    kernel.transmit(slowly, out.subList(from, to));
                    slowly.filter(random.nextBoolean() ? ReceiveFilter.EVERYTHING : ReceiveFilter.OWN);
                    from = to;
                }
            });
            sender.start();
            for (byte[] frame : in) {
                wire.send(frame);
                assertArrayEquals(frame, kernel.nextFrame());
            }
            sender.join();
            for (byte[] frame : out) assertArrayEquals(frame, wire.next());
            slowly.quiesce(Duration.ofSeconds(5));
            assertEquals(out.size(), slowly.statistics().get("transmit good frames"));
            assertEquals(in.size(), slowly.statistics().get("receive good frames"));
            assertEquals(0, wire.waiting());
            slowly.close();
            card.memory().takeBack();
            assertEquals("", kernel.failure());
        }
    }
}
