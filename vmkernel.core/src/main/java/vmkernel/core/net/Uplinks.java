package vmkernel.core.net;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** The host's network adapters, as virtual switches have them. */
@Component(service = Uplinks.class)
public final class Uplinks {
    private final Map<String, Uplink> adapters = new ConcurrentSkipListMap<>();

    @Activate
    public Uplinks() {}

    /** The adapter of this name, such as {@code vmnic0}, for the device map; made when it is first asked for, and never forgotten. Any thread. */
    public Uplink adapter(String name) {
        Uplink uplink = place(name);
        synchronized (this) {
            uplink.makeKnown();
            notifyAll();
        }
        return uplink;
    }

    /** Waits until there may be another one. @param end in {@link System#nanoTime}; @return false if that is over */
    synchronized boolean awaitChange(long end) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) return false;
        try {
            wait(Math.min(left, 100));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The same for a switch, which may be configured for an adapter that is not there as yet. */
    Uplink place(String name) { return adapters.computeIfAbsent(name, Uplink::new); }

    /** Those that the device map asked for, by name. */
    public List<Uplink> known() { return adapters.values().stream().filter(Uplink::known).toList(); }
}
