package vmkernel.core.hardware;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DeviceMap;
import vmkernel.api.hardware.Driver;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;

/**
 * A PCI function of the host and the driver that serves it. Drivers come and go; name and port stay. One change at a time, under the
 * lock of this object, which nothing that a driver calls takes.
 */
final class HostDevice {
    private static final Logger LOG = LoggerFactory.getLogger(HostDevice.class);
    private static final Duration QUIESCE_LIMIT = Duration.ofSeconds(2);
    /** A device that fails this often within the time is left alone. */
    private static final int MAX_FAILURES = 5;
    private static final long FAILURES_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Devices devices;
    private final PciDevice pci;
    private final String description;
    /** From the device table; may be empty. */
    private final Optional<DeviceTable.Line> line;
    private final Deque<Long> failures = new ArrayDeque<>();

    private volatile String name = "";
    private volatile DeviceMap.State state;
    private volatile String reason = "";
    private volatile LoadedModule module;
    private DevicePort port;
    private Attachment attachment;
    /** What the last driver left for the next one, or null. */
    private SavedState kept;
    private Future<?> giveUp;
    /** When the port was held, {@link System#nanoTime}. */
    private long heldNanos;
    /** Service id of the module that could not attach; it is not tried again as it is. */
    private long refused = -1;
    private boolean closed;

    HostDevice(Devices devices, PciDevice pci, Optional<DeviceTable.Line> line) {
        this.devices = devices;
        this.pci = pci;
        this.line = line;
        description = line.map(DeviceTable.Line::description).orElseGet(() -> PciClasses.describe(pci.id()));
        name = line.map(known -> devices.names().name(pci.address(), known.tag())).orElse("");
        state = line.isPresent() ? DeviceMap.State.WAITING : DeviceMap.State.NO_DRIVER;
        reason = line.map(known -> "module " + known.module() + " is not loaded").orElse("no module serves " + pci.id());
    }

    DeviceMap.Device describe() {
        LoadedModule now = module;
        return new DeviceMap.Device(pci, description, name, now != null ? now.name() : line.map(DeviceTable.Line::module).orElse(""), state, reason);
    }

    PciDevice pci() { return pci; }

    synchronized boolean holds(DevicePort which) { return which.equals(port); }

    boolean uses(LoadedModule which) { return module != null && module.provider() == which.provider(); }

    /** True if this module is to serve this device. */
    boolean wants(LoadedModule which) {
        if (line.isPresent()) return line.get().module().equals(which.name());
        try {
            return which.provider().matches(pci.id());
        } catch (Throwable e) {
            LOG.warn("module {}: asked whether it serves {}: {}", which.name(), pci.id(), e.toString());
            return false;
        }
    }

    /** A module is there: attaches it if it is the one, and nothing is at work. */
    synchronized void offered(LoadedModule which) {
        if (closed || attachment != null || which.id() == refused || !wants(which)) return;
        module = which;
        if (giveUp != null) giveUp.cancel(false);
        giveUp = null;
        name = devices.names().named(pci.address(), which.provider().tag());
        if (port == null) port = devices.port(which.provider().tag(), name);
        attach();
    }

    private void attach() {
        SavedState left = kept;
        kept = null;
        try {
            if (left != null) {
                try {
                    attach(Optional.of(left));
                    return;
                } catch (DriverException | RuntimeException | LinkageError e) {
                    LOG.warn("{}: module {} {} does not take over from its predecessor and starts cold: {}", name, module.name(), module.version(), oneLine(e));
                }
            }
            pci.reset();
            attach(Optional.empty());
        } catch (Throwable e) {
            // whatever it is, it is the end of this attempt and of nothing else
            state = DeviceMap.State.FAILED;
            reason = oneLine(e);
            LOG.error("{} ({}): module {} {} cannot attach: {}", name, pci.address(), module.name(), module.version(), reason);
            refused = module.id();
            module = null;
            pci.reset();
            giveUpLater();
        }
    }

    private void attach(Optional<SavedState> left) throws DriverException {
        if (!module.provider().matches(pci.id())) throw new DriverException("it does not serve " + pci.id() + " (see vmware-devices.map)");
        Attachment next = new Attachment(this, pci, port, devices.parameters(module.name()), devices.threads(), devices.clock());
        try {
            Driver driver = module.provider().attach(next, next, left);
            if (driver == null) throw new DriverException("it gave no driver");
            next.driver(driver);
            port.attached(driver);
        } catch (DriverException | RuntimeException | Error e) {
            Driver driver = next.driver();
            if (driver != null) driver.close();
            next.close();
            throw e;
        }
        attachment = next;
        state = DeviceMap.State.ATTACHED;
        reason = "";
        LOG.info("{} ({}, {}): module {} {} attached{}", name, pci.address(), description, module.name(), module.version(),
            heldNanos == 0 ? "" : (left.isPresent() ? ", taking over" : ", starting cold") + "; I/O waited " + (System.nanoTime() - heldNanos) / 1_000_000 + " ms");
        heldNanos = 0;
    }

    /** The module goes: its driver is stopped, and what it leaves is kept for the next. */
    synchronized void withdrawn(LoadedModule which) {
        String why = "module " + which.name() + " is not loaded";
        if (uses(which)) {
            detach(why, true);
        } else if (attachment == null && wants(which)) {
            state = DeviceMap.State.WAITING;
            reason = why;
        }
    }

    /** The same by force: parameters changed, the hardware went or the kernel stops. A module that could not attach may try again. */
    synchronized void withdraw(String why) {
        refused = -1;
        if (attachment != null) detach(why, false);
    }

    private void detach(String why, boolean handOver) {
        Attachment last = attachment;
        attachment = null;
        if (last != null) {
            Driver driver = last.driver();
            hold();
            kept = null;
            try {
                driver.quiesce(QUIESCE_LIMIT);
                if (handOver) kept = driver.save();
            } catch (Throwable e) {
                LOG.warn("{}: module {} does not stop, and its device is reset: {}", name, module.name(), oneLine(e));
            }
            stop(last, driver);
        }
        module = null;
        state = line.isPresent() || handOver ? DeviceMap.State.WAITING : DeviceMap.State.NO_DRIVER;
        reason = why;
        giveUpLater();
    }

    private void hold() {
        heldNanos = System.nanoTime();
        port.hold();
    }

    private void stop(Attachment last, Driver driver) {
        try {
            driver.close();
        } catch (Throwable e) {
            LOG.warn("{}: module {} failed while closing: {}", name, module.name(), oneLine(e));
        }
        last.close();
        if (kept == null) pci.reset();
        port.detached();
    }

    private void giveUpLater() {
        if (giveUp != null || port == null || closed) return;
        giveUp = devices.clock().schedule(this::giveUp, devices.patienceMillis(), TimeUnit.MILLISECONDS);
    }

    private synchronized void giveUp() {
        giveUp = null;
        if (attachment != null || port == null) return;
        kept = null;
        LOG.warn("{}: no driver for {} s: its I/O fails from now on", name, devices.patienceMillis() / 1000);
        port.gone();
    }

    /** The hardware no longer does what it should: once more from the start. Any thread. */
    void failed(Attachment which, String why) { devices.threads().execute(() -> recover(which, why)); }

    private synchronized void recover(Attachment which, String why) {
        if (attachment != which) return;
        LOG.error("{}: {}; the device is reset", name, why);
        attachment = null;
        kept = null;
        hold();
        stop(which, which.driver());
        long now = System.nanoTime();
        failures.add(now);
        while (now - failures.peek() > FAILURES_NANOS) failures.remove();
        if (failures.size() < MAX_FAILURES) {
            attach();
            return;
        }
        failures.clear();
        module = null;
        state = DeviceMap.State.FAILED;
        reason = why + " (" + MAX_FAILURES + " times within a minute)";
        port.gone();
    }

    /** The function is no longer there, or the kernel stops. Its port waits for another of its name. */
    synchronized void close(String why) {
        withdraw(why);
        closed = true;
        if (giveUp != null) giveUp.cancel(false);
        if (port != null) devices.abandoned(port);
    }

    private static String oneLine(Throwable e) {
        String text = e instanceof DriverException ? e.getMessage() : e.toString();
        return text == null ? e.getClass().getSimpleName() : text.lines().findFirst().orElse("").strip();
    }
}
