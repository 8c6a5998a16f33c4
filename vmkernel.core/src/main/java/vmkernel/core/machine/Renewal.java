package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replaces what a machine that is on is made of, devices and monitor, when their bundles are, and waits for the code of its disks. When a service has gone, its parts
 * give their state while they can still run; from then on the machine is stunned: its virtual CPU is held and guest time stands
 * still, so that the guest finds nothing changed when successors go on from that state. Under the power lock.
 */
final class Renewal {
    private static final Logger LOG = LoggerFactory.getLogger(Renewal.class);

    private final PoweredMachine machine;
    private final Parts parts;
    private final Devices devices;
    private final Engine engine;
    /** What the machine waits for, or null if it is whole. */
    private volatile String waiting;
    /** {@link System#nanoTime} at which it was stunned. */
    private long since;

    Renewal(PoweredMachine machine, Parts parts, Devices devices, Engine engine) {
        this.machine = machine;
        this.parts = parts;
        this.devices = devices;
        this.engine = engine;
    }

    /** What the machine is stunned for, in words; null if it is not. Any thread. */
    String waiting() { return waiting; }

    /** Something that the machine runs on has gone, or it waits for something. */
    boolean due() { return waiting != null || devices.orphaned() || engine.orphaned() || machine.peripherals().missing().isPresent(); }

    /**
     * Takes the state of what has gone, and gives it to successors as far as they are there. The vCPU is held and stands still.
     *
     * @param started {@link System#nanoTime} when it was held
     * @return true if the machine is whole and can go on
     */
    boolean renew(long started) {
        if (waiting == null) since = started;
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            machine.standBy();
            save(devices::save);
            save(engine::save);
            devices.restore();
            engine.restore(System.nanoTime() - since >= parts.successorMillis * 1_000_000);
            String missing = missing();
            if (missing != null) {
                stunned(missing);
                return false;
            }
            machine.resume();
        } finally {
            lock.leave();
        }
        waiting = null;
        LOG.info("{} goes on after {} ms", machine.name(), (System.nanoTime() - since) / 1_000_000);
        return true;
    }

    private void save(Runnable part) {
        try {
            part.run();
        } catch (IllegalStateException e) {
            LOG.error("{}: {}; the machine goes on with the old code", machine.name(), e.getMessage());
        }
    }

    private String missing() {
        Set<String> types = devices.missing();
        List<String> all = new ArrayList<>();
        if (!types.isEmpty()) all.add("devices " + String.join(", ", types));
        if (engine.missing()) all.add("a monitor like " + engine.name());
        machine.peripherals().missing().ifPresent(all::add);
        return all.isEmpty() ? null : String.join(" and ", all);
    }

    private void stunned(String missing) {
        String before = waiting;
        waiting = "waiting for " + missing;
        if (waiting.equals(before)) return;
        LOG.info("{} is stunned, {}", machine.name(), waiting);
        if (engine.missing()) parts.later(parts.successorMillis, machine::renew);
    }
}
