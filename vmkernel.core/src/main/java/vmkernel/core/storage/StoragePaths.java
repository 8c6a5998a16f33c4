package vmkernel.core.storage;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** The host's disks and the ways to them. */
@Component(service = StoragePaths.class)
public final class StoragePaths {
    private final Map<String, HostAdapter> adapters = new ConcurrentSkipListMap<>();

    @Activate
    public StoragePaths() {}

    /** The adapter of this name, such as {@code vmhba0}; made when it is first asked for, and never forgotten. Any thread. */
    public HostAdapter adapter(String name) { return adapters.computeIfAbsent(name, HostAdapter::new); }
}
