package vmkernel.core.net;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import vmkernel.api.handover.SavedState;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/** A network adapter that notes what it sends, as much of it as a test lets it take. It checks what the kernel promises. */
public final class FakeNic implements NetAdapter {
    static final LinkState UP = new LinkState(true, 100, true);

    final List<byte[]> sent = new ArrayList<>();
    /** Frames that it takes before it is full. */
    int room = Integer.MAX_VALUE;
    volatile LinkState link = UP;
    volatile ReceiveFilter filter;
    /** The list that it was given last. */
    List<byte[]> last;
    boolean quiesced;
    boolean broken;
    private boolean inside;
    /** Runs within transmit, before it returns. */
    Runnable meanwhile = () -> {};

    @Override public MacAddress address() { return MacAddress.parse("00:02:b3:00:00:01"); }

    @Override
    public int transmit(List<byte[]> frames) {
        int taken;
        synchronized (this) {
            broken |= inside || quiesced;
            inside = true;
            last = frames;
            taken = Math.min(room, frames.size());
            room -= taken;
            sent.addAll(frames.subList(0, taken));
        }
        meanwhile.run();
        synchronized (this) {
            inside = false;
        }
        return taken;
    }

    synchronized void room(int frames) { room = frames; }

    @Override public void filter(ReceiveFilter next) { filter = next; }
    @Override public LinkState link() { return link; }
    @Override public synchronized void quiesce(Duration limit) { quiesced = true; }
    @Override public SavedState save() { return SavedState.none("fake"); }
    @Override public Map<String, Long> statistics() { return Map.of("frames", (long) sent.size()); }
    @Override public void close() {}
}
