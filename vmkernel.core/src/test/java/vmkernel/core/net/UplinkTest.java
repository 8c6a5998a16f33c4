package vmkernel.core.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static vmkernel.core.net.Frames.A;
import static vmkernel.core.net.Frames.FAR;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.ReceiveFilter;

/** An adapter of the host above drivers that come, go and are full. */
@Timeout(60)
class UplinkTest {
    private final Uplink uplink = new Uplinks().adapter("vmnic0");

    private void send(int first, int count) { uplink.transmit(Frames.frames(FAR, A, first, count), 0, count); }

    private static List<Integer> range(int end) { return IntStream.range(0, end).boxed().toList(); }

    @Test
    void aListGoesToTheDriverAsItIs() {
        FakeNic nic = new FakeNic();
        uplink.attached(nic);
        List<byte[]> frames = Frames.frames(FAR, A, 0, 5);
        uplink.transmit(frames, 0, 5);
        assertTrue(nic.last == frames);
        uplink.transmit(frames, 1, 3);
        assertEquals(List.of(0, 1, 2, 3, 4, 1, 2), Frames.numbers(nic.sent));
    }

    @Test
    void whatADriverDoesNotTakeGoesWhenItHasRoom() {
        FakeNic nic = new FakeNic();
        nic.room(3);
        uplink.attached(nic);
        send(0, 5);
        send(5, 5);
        assertEquals(range(3), Frames.numbers(nic.sent));
        nic.room(4);
        uplink.transmitReady();
        assertEquals(range(7), Frames.numbers(nic.sent));
        nic.room(100);
        uplink.transmitReady();
        assertEquals(range(10), Frames.numbers(nic.sent));
        send(10, 1);
        assertEquals(range(11), Frames.numbers(nic.sent));
        assertEquals(11L, uplink.statistics().get("totPktsTx"));
    }

    @Test
    void roomThatIsMadeBeforeTransmitReturnsIsNotMissed() {
        FakeNic nic = new FakeNic();
        nic.room(3);
        uplink.attached(nic);
        nic.meanwhile = () -> {
            nic.room(100);
            uplink.transmitReady();
        };
        send(0, 5);
        assertEquals(range(5), Frames.numbers(nic.sent));
    }

    @Test
    void framesWaitForASuccessorInOrderAsManyAsThereIsRoomFor() {
        FakeNic first = new FakeNic();
        first.room(2);
        uplink.attached(first);
        send(0, 4);
        uplink.hold();
        first.quiesce(Duration.ZERO);
        uplink.detached();
        send(4, 2000);
        assertTrue(uplink.link().up(), "a change of driver is not seen");
        FakeNic second = new FakeNic();
        uplink.attached(second);
        assertEquals(IntStream.range(2, 2 + Uplink.QUEUE).boxed().toList(), Frames.numbers(second.sent));
        assertEquals(2004L - 2 - Uplink.QUEUE, uplink.statistics().get("dropped"));
        assertFalse(first.broken);
    }

    @Test
    void withoutASuccessorTheLinkIsDownAndFramesAreDropped() {
        uplink.attached(new FakeNic());
        uplink.hold();
        uplink.detached();
        send(0, 3);
        uplink.gone();
        send(3, 3);
        assertEquals(LinkState.DOWN, uplink.link());
        FakeNic next = new FakeNic();
        uplink.attached(next);
        assertEquals(List.of(), next.sent);
        assertEquals(6L, uplink.statistics().get("dropped"));
        assertTrue(uplink.link().up());
    }

    @Test
    void theFilterFollowsTheDriver() {
        FakeNic first = new FakeNic();
        uplink.attached(first);
        assertEquals(ReceiveFilter.OWN, first.filter);
        uplink.serve(new VirtualSwitch("vmnic0", List.of(uplink), null));
        assertEquals(ReceiveFilter.EVERYTHING, first.filter);
        FakeNic second = new FakeNic();
        uplink.attached(second);
        assertEquals(ReceiveFilter.EVERYTHING, second.filter);
        uplink.serve(null);
        assertEquals(ReceiveFilter.OWN, second.filter);
    }

    /** Four threads send while drivers change and fill up: what is sent by one thread stays in order, nothing is sent twice, and what is missing is counted. */
    @Test
    void driversChangeUnderLoad() throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            Uplink link = new Uplinks().adapter("vmnic0");
            Random random = new Random(seed);
            List<FakeNic> nics = new ArrayList<>();
            AtomicBoolean done = new AtomicBoolean();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int sender = i << 24;
                threads.add(new Thread(() -> {
                    for (int n = 0; n < 5000; n += 5) link.transmit(Frames.frames(FAR, A, sender + n, 5), 0, 5);
                }));
            }
            Thread changer = new Thread(() -> {
                while (!done.get() || nics.isEmpty()) {
                    FakeNic nic = new FakeNic();
                    nic.room(random.nextInt(2000));
                    nics.add(nic);
                    link.attached(nic);
                    for (int i = random.nextInt(100); i > 0; i--) Thread.onSpinWait();
                    nic.room(random.nextInt(2000));
                    link.transmitReady();
                    link.hold();
                    nic.quiesce(Duration.ZERO);
                    link.detached();
                }
                nics.add(new FakeNic());
                link.attached(nics.get(nics.size() - 1));
            });
            threads.forEach(Thread::start);
            changer.start();
            for (Thread thread : threads) thread.join();
            done.set(true);
            changer.join();
            int[] last = {-1, -1, -1, -1};
            int count = 0;
            for (FakeNic nic : nics) {
                assertFalse(nic.broken, "seed " + seed);
                for (byte[] frame : nic.sent) {
                    int number = Frames.number(frame);
                    assertTrue(last[number >>> 24] < (number & 0xFFFFFF), "seed " + seed);
                    last[number >>> 24] = number & 0xFFFFFF;
                    count++;
                }
            }
            assertEquals(20_000, count + link.statistics().get("dropped"), "seed " + seed);
        }
    }
}
