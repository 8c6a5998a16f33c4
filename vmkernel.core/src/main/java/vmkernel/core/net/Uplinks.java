package vmkernel.core.net;

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

    /** The adapter of this name, such as {@code vmnic0}; made when it is first asked for, and never forgotten. Any thread. */
    public Uplink adapter(String name) { return adapters.computeIfAbsent(name, Uplink::new); }
}
