package host.sim.nic;

import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * The 82555 physical layer with its management registers [82555] 7, [802.3] 22.2.4, at address 1. The station at the far end
 * offers 10 and 100 Mbit/s, half and full duplex. One thread at a time, but {@link #attached} any.
 */
final class Phy82555 {
    static final int ADDRESS = 1;

    private static final int CONTROL = 0, STATUS = 1, ID1 = 2, ID2 = 3, ADVERTISED = 4, PARTNER = 5, EXPANSION = 6, SPECIAL_STATUS = 16, REGISTERS = 32;
    private static final int RESET = 0x8000, LOOPBACK = 0x4000, FAST = 0x2000, NEGOTIATE = 0x1000, POWER_DOWN = 0x0800, ISOLATE = 0x0400, RESTART = 0x0200,
            FULL_DUPLEX = 0x0100;
    private static final int ABILITIES = 0x7809, NEGOTIATED = 0x0020, LINK = 0x0004; // all four modes, autonegotiation, extended registers
    private static final int OFFER = 0x01E1, ACKNOWLEDGE = 0x4000, OFFER_FULL_100 = 0x0100, OFFER_HALF_100 = 0x0080, OFFER_FULL_10 = 0x0040;

    private final BooleanSupplier carrier;
    private final int[] registers = new int[REGISTERS];
    private volatile int control;
    private boolean linkLost; // since the status was last read

    Phy82555(BooleanSupplier carrier) {
        this.carrier = carrier;
        reset();
    }

    void reset() {
        Arrays.fill(registers, 0);
        control = FAST | NEGOTIATE | FULL_DUPLEX;
        registers[ID1] = 0x02A8;
        registers[ID2] = 0x0150;
        registers[ADVERTISED] = OFFER;
        linkLost = false;
    }

    /** A management register; all ones where there is no PHY. */
    int read(int phy, int register) {
        if (phy != ADDRESS) return 0xFFFF;
        boolean up = link();
        return switch (register) {
            case CONTROL -> control;
            case STATUS -> status(up);
            case PARTNER -> up && negotiates() ? OFFER | ACKNOWLEDGE : 0;
            case EXPANSION -> up && negotiates() ? 0x0001 : 0;
            case SPECIAL_STATUS -> (full() ? 1 : 0) | (megabits() == 100 ? 2 : 0);
            default -> registers[register];
        };
    }

    void write(int phy, int register, int value) {
        if (phy != ADDRESS) return;
        switch (register) {
            case CONTROL -> {
                if ((value & RESET) != 0) reset();
                else control = value & ~(RESTART | 0x7F);
            }
            case ADVERTISED -> registers[ADVERTISED] = value & ~ACKNOWLEDGE;
            case STATUS, ID1, ID2, PARTNER, EXPANSION, SPECIAL_STATUS -> { }
            default -> registers[register] = value;
        }
    }

    /** A lost link is told once even if it has come back. */
    private int status(boolean up) {
        boolean told = up && !linkLost;
        linkLost = !up;
        return ABILITIES | (told ? LINK : 0) | (up && negotiates() ? NEGOTIATED : 0);
    }

    boolean link() {
        boolean up = (control & POWER_DOWN) == 0 && ((control & LOOPBACK) != 0 || carrier.getAsBoolean());
        linkLost |= !up;
        return up;
    }

    int megabits() {
        if (!negotiates()) return (control & FAST) != 0 ? 100 : 10;
        return (registers[ADVERTISED] & (OFFER_FULL_100 | OFFER_HALF_100)) != 0 ? 100 : 10;
    }

    boolean full() {
        if (!negotiates()) return (control & FULL_DUPLEX) != 0;
        return (registers[ADVERTISED] & (megabits() == 100 ? OFFER_FULL_100 : OFFER_FULL_10)) != 0;
    }

    /** Frames pass between the chip and the wire. */
    boolean attached() { return (control & (POWER_DOWN | ISOLATE | LOOPBACK)) == 0; }

    boolean loopback() { return (control & LOOPBACK) != 0; }

    private boolean negotiates() { return (control & NEGOTIATE) != 0; }
}
