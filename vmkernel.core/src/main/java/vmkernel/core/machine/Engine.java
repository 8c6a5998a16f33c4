package vmkernel.core.machine;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.monitor.CpuModel;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.vm.VmException;

/**
 * What executes the virtual CPU of a machine that is on: a monitor, and when that goes the state of the CPU, until another
 * monitor takes it over. While the vCPU is held.
 */
final class Engine {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    private final PoweredMachine machine;
    private final VirtualCpu cpu;
    private final Plugged<Monitor> monitors;
    /** Null while there is none. */
    private volatile Monitor monitor;
    private volatile String name = "";
    /** What the last vCPU saved, while there is none. */
    private CpuState state;

    Engine(PoweredMachine machine, VirtualCpu cpu, Plugged<Monitor> monitors) {
        this.machine = machine;
        this.cpu = cpu;
        this.monitors = monitors;
    }

    /** Name of the monitor; of the last one while there is none. */
    String name() { return name; }

    /** Finds the monitor. @param wanted its name, or null for any. @throws VmException in one line if there is none */
    void choose(String wanted) throws VmException {
        Monitor found = monitors.find(any -> wanted == null ? any.supports(CpuModel.X86_32) : any.name().equalsIgnoreCase(wanted)).orElse(null);
        if (found == null) {
            List<String> known = monitors.all().stream().map(Monitor::name).toList();
            throw new VmException(known.isEmpty() ? "there is no monitor (is bundle monitor.x86 active?)"
                : wanted == null ? "no monitor supports " + CpuModel.X86_32 : "unknown monitor \"" + wanted + "\"; known: " + String.join(", ", known));
        }
        if (!found.supports(CpuModel.X86_32)) throw new VmException("monitor \"" + found.name() + "\" cannot run " + CpuModel.X86_32 + " on this host");
        use(found);
    }

    private void use(Monitor next) {
        monitor = next;
        name = next.name();
    }

    /** Puts a vCPU in that starts from this state. */
    void start(CpuState first) { cpu.install(created(monitor, first)); }

    private Vcpu created(Monitor by, CpuState from) {
        Vcpu made = by.create(cpu, from);
        if (made == null) throw new IllegalStateException("the monitor made no vCPU");
        return made;
    }

    // Replacement.

    /** The monitor has gone, and its vCPU is still there. */
    boolean orphaned() { return monitor != null && !monitors.has(monitor); }

    boolean missing() { return monitor == null; }

    /** If the monitor has gone takes the state of its vCPU, and then the vCPU. @throws IllegalStateException in one line if it cannot be saved; it is there as before then */
    void save() {
        if (!orphaned()) return;
        try {
            state = cpu.vcpu().save();
            if (state == null) throw new IllegalStateException("it saved nothing");
        } catch (Throwable e) {
            throw new IllegalStateException("the virtual CPU of monitor " + name + " cannot be saved: " + e, e);
        }
        cpu.discard();
        monitor = null;
    }

    /**
     * Gives the state to a monitor of the same name, if there is one. What fails is told in the log.
     *
     * @param any whatever the name
     */
    void restore(boolean any) {
        if (!missing()) return;
        if (restore(name) || !any) return;
        restore(null);
    }

    private boolean restore(String wanted) {
        for (Monitor next : monitors.all()) {
            if (wanted != null && !next.name().equals(wanted)) continue;
            try {
                if (!next.supports(CpuModel.X86_32)) continue;
                cpu.install(created(next, state));
                use(next);
                state = null;
                return true;
            } catch (Throwable e) {
                LOG.error("{}: the virtual CPU cannot be taken over by monitor {}: {}", machine.name(), next.name(), e.toString());
            }
        }
        return false;
    }
}
