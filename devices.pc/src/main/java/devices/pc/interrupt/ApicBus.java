package devices.pc.interrupt;

import java.util.List;

/** What carries messages between local APICs and the IOAPIC. */
final class ApicBus {
    private final Runnable changed;
    private List<LocalApic> apics = List.of();
    private IoApic ioApic;

    /** @param changed told when a CPU may have something else to acknowledge than before */
    ApicBus(Runnable changed) { this.changed = changed; }

    void connect(List<LocalApic> apics, IoApic ioApic) {
        this.apics = apics;
        this.ioApic = ioApic;
    }

    /** @return false if nobody takes it */
    boolean send(int destination, boolean logical, int mode, int vector, boolean level) {
        if (mode == LocalApic.LOWEST) return sendLowest(destination, logical, vector, level);
        boolean accepted = false;
        for (LocalApic apic : apics) {
            if (apic.hardwareEnabled() && apic.addressed(destination, logical)) accepted |= apic.accept(mode, vector, level);
        }
        changed.run();
        return accepted;
    }

    /** To all, or to all but one. */
    void broadcast(LocalApic except, int mode, int vector) {
        for (LocalApic apic : apics) if (apic != except && apic.hardwareEnabled()) apic.accept(mode, vector, false);
        changed.run();
    }

    /** End of a level-triggered interrupt. */
    void endOfInterrupt(int vector) { ioApic.endOfInterrupt(vector); }

    /** A local APIC accepts more than before: what the IOAPIC could not deliver is tried again. */
    void retry() { ioApic.retry(); }

    void changed() { changed.run(); }

    private boolean sendLowest(int destination, boolean logical, int vector, boolean level) {
        LocalApic chosen = null;
        for (LocalApic apic : apics) {
            if (!apic.enabled() || !apic.addressed(destination, logical)) continue;
            if (chosen == null || apic.processorPriority() < chosen.processorPriority()) chosen = apic;
        }
        boolean accepted = chosen != null && chosen.accept(LocalApic.LOWEST, vector, level);
        changed.run();
        return accepted;
    }
}
