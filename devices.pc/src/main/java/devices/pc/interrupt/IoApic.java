package devices.pc.interrupt;

import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;

/**
 * The 82093AA I/O APIC with its 24 inputs [82093AA]. Input 0 is the 8259s' INT, input 2 is ISA IRQ 0, 1 to 15 otherwise ISA,
 * 16 to 23 PCI interrupts, whose wires are active low. An edge on a masked input is lost, as the datasheet says.
 */
public final class IoApic implements IoHandler {
    /** Number of inputs. */
    public static final int PINS = 24;
    private static final int FIRST_LOW_ACTIVE = 16;
    private static final int SELECT = 0x00, WINDOW = 0x10;
    private static final int ID = 0, VERSION = 1, ARBITRATION = 2, REDIRECTION = 0x10;
    private static final int VERSION_VALUE = PINS - 1 << 16 | 0x11;
    private static final int LOGICAL = 0x800, LOW_ACTIVE = 0x2000, REMOTE_IRR = 0x4000, LEVEL = 0x8000, MASKED = 0x10000;
    private static final int WRITABLE = 0x1_AFFF;

    private final ApicBus bus;
    private final int[] low = new int[PINS], high = new int[PINS];
    private int select, id, arbitration;
    private int wires = -1 << FIRST_LOW_ACTIVE; // levels on the inputs

    IoApic(ApicBus bus) { this.bus = bus; }

    void reset() {
        select = id = arbitration = 0;
        for (int i = 0; i < PINS; i++) {
            low[i] = MASKED;
            high[i] = 0;
        }
    }

    void exchange(StateRecord state) {
        state.fill("low", low);
        state.fill("high", high);
        select = state.exchange("select", select);
        id = state.exchange("id", id);
        arbitration = state.exchange("arbitration", arbitration);
        wires = state.exchange("wires", wires);
    }

    /** Drives an input. @param asserted the device's view: whether it asks for an interrupt */
    void input(int pin, boolean asserted) {
        boolean before = active(pin);
        restore(pin, asserted);
        boolean after = active(pin);
        if (after && !before && !senses(pin)) deliver(pin);
        else level(pin);
    }

    /** Takes up a level without making an edge. */
    void restore(int pin, boolean asserted) {
        boolean high = asserted != pin >= FIRST_LOW_ACTIVE;
        wires = high ? wires | 1 << pin : wires & ~(1 << pin);
    }

    void endOfInterrupt(int vector) {
        for (int pin = 0; pin < PINS; pin++) {
            if ((low[pin] & (LEVEL | REMOTE_IRR)) != (LEVEL | REMOTE_IRR) || (low[pin] & 0xFF) != vector) continue;
            low[pin] &= ~REMOTE_IRR;
            level(pin);
        }
    }

    /** Tries again what no local APIC took. */
    void retry() {
        for (int pin = 0; pin < PINS; pin++) level(pin);
    }

    boolean masked(int pin) { return (low[pin] & MASKED) != 0; }

    int vector(int pin) { return low[pin] & 0xFF; }

    @Override
    public long read(long offset, int bytes) {
        int at = (int) offset & 0xFF;
        long register = (at & ~3) == SELECT ? select : (at & ~3) == WINDOW ? register() & 0xFFFF_FFFFL : 0;
        return register >>> 8 * (at & 3);
    }

    @Override
    public void write(long offset, int bytes, long value) {
        int at = (int) offset & 0xFF;
        if (at == SELECT) select = (int) value & 0xFF;
        else if (at == WINDOW && bytes >= 4) register((int) value); // the window takes dwords only
        bus.changed();
    }

    private int register() {
        return switch (select) {
            case ID -> id << 24;
            case VERSION -> VERSION_VALUE;
            case ARBITRATION -> arbitration << 24;
            default -> {
                int pin = select - REDIRECTION >> 1;
                yield select < REDIRECTION || pin >= PINS ? 0 : (select & 1) != 0 ? high[pin] : low[pin];
            }
        };
    }

    private void register(int value) {
        int pin = select - REDIRECTION >> 1;
        if (select == ID) id = arbitration = value >>> 24 & 0xF;
        else if (select < REDIRECTION || pin >= PINS) return;
        else if ((select & 1) != 0) high[pin] = value & 0xFF00_0000;
        else redirect(pin, value);
    }

    /** Low half of an entry. Remote IRR is read only; it has no meaning for an edge, so going to edge mode clears it. */
    private void redirect(int pin, int value) {
        int remote = (value & LEVEL) != 0 ? low[pin] & REMOTE_IRR : 0;
        low[pin] = value & WRITABLE | remote;
        level(pin);
    }

    private boolean active(int pin) { return (wires >> pin & 1) != 0 != ((low[pin] & LOW_ACTIVE) != 0); }

    /** Level triggered. NMI, SMI, INIT and ExtINT are edges whatever the entry says. */
    private boolean senses(int pin) { return (low[pin] & LEVEL) != 0 && (low[pin] >> 8 & 7) <= LocalApic.LOWEST; }

    private void level(int pin) {
        if (senses(pin) && (low[pin] & REMOTE_IRR) == 0 && active(pin)) deliver(pin);
    }

    private void deliver(int pin) {
        int entry = low[pin];
        if ((entry & MASKED) != 0) return;
        boolean level = senses(pin);
        if (level) low[pin] |= REMOTE_IRR; // before it is sent: that makes the board look at its wires again, this one too
        boolean accepted = bus.send(high[pin] >>> 24, (entry & LOGICAL) != 0, entry >> 8 & 7, entry & 0xFF, level);
        if (level && !accepted) low[pin] &= ~REMOTE_IRR;
    }
}
