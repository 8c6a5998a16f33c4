package vmkernel.core.memory;

import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.LongSupplier;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.MachineMemory;

/**
 * The machine memory of this host: what VMs may have in all. A VM's whole size is reserved when it is built, host memory is
 * taken only as the guest touches it. Framework property {@code vmk.memory}: size in MB; default the host's memory less 1 GB.
 */
@Component(service = {MachineMemory.class, PagePool.class})
public final class PagePool implements MachineMemory {
    private static final Logger LOG = LoggerFactory.getLogger(PagePool.class);
    private static final long MB = 1 << 20;
    /** Left to the host and to this process. */
    private static final long HOST_RESERVE = 1024 * MB;
    private static final long UNIT = 4 * MB;

    private final LongSupplier size;
    private long total = -1;
    private long reserved;
    private final Set<GuestPages> guests = Collections.newSetFromMap(new IdentityHashMap<>());

    @Activate
    public PagePool(BundleContext context) {
        String property = context.getProperty("vmk.memory");
        size = () -> configured(property);
    }

    /** @param bytes size of the pool */
    public PagePool(long bytes) { size = () -> bytes; }

    private static long configured(String property) {
        if (property != null && !property.isBlank()) {
            try {
                long mb = Long.parseLong(property.trim());
                if (mb >= 4 && mb <= Long.MAX_VALUE / MB) return mb * MB;
            } catch (NumberFormatException e) {
                // told below
            }
            LOG.warn("vmk.memory={}: a number of MB, at least 4, is needed; taking the host's memory less 1 GB", property);
        }
        long host = HostSize.bytes(Path.of("/"));
        return Math.max(UNIT, host > 2 * HOST_RESERVE ? host - HOST_RESERVE : host / 2);
    }

    /** Asked of the host only when someone wants to know: it costs start-up time. */
    @Override
    public synchronized long totalBytes() {
        if (total < 0) total = size.getAsLong();
        return total;
    }

    @Override
    public synchronized long freeBytes() { return totalBytes() - reserved; }

    @Override
    public synchronized GuestMemory create(long bytes) throws AdmissionException {
        if (bytes < UNIT || bytes % UNIT != 0) throw new IllegalArgumentException("memory of " + bytes + " bytes: a multiple of 4 MB is needed");
        if (bytes > freeBytes()) {
            throw new AdmissionException(bytes / MB + " MB of memory asked for, " + Math.max(0, freeBytes() / MB) + " MB of " + totalBytes() / MB + " MB are free");
        }
        GuestPages memory = new GuestPages(bytes);
        guests.add(memory);
        reserved += bytes;
        return memory;
    }

    @Override
    public synchronized void release(GuestMemory memory) {
        if (!(memory instanceof GuestPages pages) || !guests.remove(pages)) return;
        reserved -= pages.sizeBytes();
        pages.free();
    }

    /** Host memory that this guest has touched, in bytes. */
    public long touchedBytes(GuestMemory memory) { return memory instanceof GuestPages pages ? pages.touchedBytes() : 0; }

    /** Host memory that guests have touched, in bytes. */
    public synchronized long touchedBytes() { return guests.stream().mapToLong(GuestPages::touchedBytes).sum(); }

    /** Memory promised to powered-on VMs, in bytes. */
    public synchronized long reservedBytes() { return reserved; }

    @Deactivate
    synchronized void close() {
        for (GuestPages pages : guests) pages.free();
        guests.clear();
        reserved = 0;
    }
}
