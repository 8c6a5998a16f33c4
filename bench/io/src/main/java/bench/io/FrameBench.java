package bench.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.Network;

/** Frames from one port to another: through one virtual switch, or through two, their adapters, drivers and the wire between. */
@Component(service = FrameBench.class, property = {"osgi.command.scope=bench", "osgi.command.function=framebench"})
public final class FrameBench {
    private static final int ROUNDS = 5, BATCH = 32, MOST_UNDER_WAY = 192;
    private static final long ROUND_NANOS = 1_000_000_000L;

    private final Network network;

    @Activate
    public FrameBench(@Reference Network network) { this.network = network; }

    /** @param from network that frames are sent into; @param to network where they arrive; may be the same */
    public void framebench(String from, String to) throws Exception {
        MacAddress sender = MacAddress.parse("00:50:56:00:00:01"), receiver = MacAddress.parse("00:50:56:00:00:02");
        AtomicLong received = new AtomicLong();
        try (Network.HostPort in = network.connect(from, "framebench sender", sender, frames -> {});
             Network.HostPort out = network.connect(to, "framebench receiver", receiver, frames -> received.addAndGet(frames.size()))) {
            out.transmit(List.of(frame(sender, receiver, 60))); // tells switches where it is
            System.out.println("| " + from + " to " + to + " | frames/s received | MB/s | lost |");
            System.out.println("|---|---|---|---|");
            for (int bytes : new int[] {60, 1514}) {
                double[] rates = new double[ROUNDS];
                long lost = 0;
                round(in, received, frame(receiver, sender, bytes)); // warm
                for (int round = 0; round < ROUNDS; round++) {
                    long before = received.get();
                    long sent = round(in, received, frame(receiver, sender, bytes));
                    rates[round] = (received.get() - before) * 1e9 / ROUND_NANOS;
                    lost += sent - (received.get() - before);
                }
                Arrays.sort(rates);
                System.out.printf("| %d bytes | %.0f | %.1f | %d |%n", bytes + 4, rates[ROUNDS / 2], rates[ROUNDS / 2] * bytes / 1e6, lost);
            }
        }
    }

    private static byte[] frame(MacAddress to, MacAddress from, int bytes) {
        byte[] frame = new byte[bytes];
        System.arraycopy(to.bytes(), 0, frame, 0, 6);
        System.arraycopy(from.bytes(), 0, frame, 6, 6);
        frame[12] = (byte) 0x88;
        frame[13] = (byte) 0xB5; // local experimental
        return frame;
    }

    /** Sends for a second, with a bound on what is under way. @return frames sent */
    private static long round(Network.HostPort in, AtomicLong received, byte[] frame) {
        List<byte[]> batch = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) batch.add(frame);
        long before = received.get();
        long sent = 0;
        long end = System.nanoTime() + ROUND_NANOS;
        long patience = 0;
        while (System.nanoTime() < end) {
            if (sent - (received.get() - before) > MOST_UNDER_WAY && patience++ < 100_000) {
                Thread.onSpinWait();
                continue;
            }
            patience = 0;
            in.transmit(batch);
            sent += BATCH;
        }
        long late = System.nanoTime() + 200_000_000L;
        while (received.get() - before < sent && System.nanoTime() < late) Thread.onSpinWait();
        return sent;
    }
}
