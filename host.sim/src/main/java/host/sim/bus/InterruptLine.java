package host.sim.bus;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One interrupt line of the board, shared by the pins that are wired to it [PCI] 2.2.6: it is up while any of them is. As long as it
 * is up the handlers of all its slots are called in turn, by one thread at a time: the one that found it up first. Others that raise it
 * meanwhile leave it to that one, so that a rise is never lost and no thread waits.
 */
final class InterruptLine {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptLine.class);
    private static final int IDLE = 0, SERVED = 1, SERVED_AGAIN = 2;
    /** Rounds in a row before the thread is released: many if drivers say that they do their work, few if nobody does. */
    private static final int ROUNDS = 4096, UNCLAIMED_ROUNDS = 16;
    private static final long PAUSE_MICROS = 1000;

    private final int number;
    private final BusThread thread;
    private final AtomicInteger state = new AtomicInteger();
    private volatile PciSlot[] slots = {};
    private boolean stuck;

    InterruptLine(int number, BusThread thread) {
        this.number = number;
        this.thread = thread;
    }

    /** What firmware writes into the interrupt line register for it. */
    int number() { return number; }

    /** While the board is built. */
    void wire(PciSlot slot) {
        PciSlot[] wired = java.util.Arrays.copyOf(slots, slots.length + 1);
        wired[slots.length] = slot;
        slots = wired;
    }

    /** A pin may have gone up. */
    void changed() {
        // first of all: most changes come while it is being served, or bring nothing
        while (true) {
            int now = state.get();
            if (now == SERVED_AGAIN) return;
            if (now == SERVED) {
                if (state.compareAndSet(SERVED, SERVED_AGAIN)) return;
            } else if (!up()) {
                return;
            } else if (state.compareAndSet(IDLE, SERVED)) {
                break;
            }
        }
        // a driver in the middle of a register access may hold locks that its handler wants
        if (thread.inAccess()) thread.execute(this::serve);
        else serve();
    }

    private boolean up() {
        for (PciSlot slot : slots) if (slot.drivesLine()) return true;
        return false;
    }

    private void serve() {
        int rounds = 0, unclaimed = 0;
        do {
            state.set(SERVED);
            while (up()) {
                if (rounds++ == ROUNDS || unclaimed == UNCLAIMED_ROUNDS) {
                    release(unclaimed == UNCLAIMED_ROUNDS);
                    return;
                }
                boolean claimed = false;
                for (PciSlot slot : slots) claimed |= slot.callHandler();
                unclaimed = claimed ? 0 : unclaimed + 1;
            }
            stuck = false;
        } while (!state.compareAndSet(SERVED, IDLE));
    }

    /** The thread has done enough; the line stays served, by the bus and after a pause. */
    private void release(boolean nobody) {
        if (nobody && !stuck) {
            stuck = true;
            for (PciSlot slot : slots) {
                if (slot.drivesLine()) LOG.warn("interrupt line {}: {} holds it up and no driver serves it; asked again every {} us", number, slot.address(), PAUSE_MICROS);
            }
        }
        thread.after(PAUSE_MICROS, TimeUnit.MICROSECONDS, this::serve);
    }
}
