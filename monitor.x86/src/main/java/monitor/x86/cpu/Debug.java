package monitor.x86.cpu;

import monitor.x86.mmu.GuestFault;

/** Debug registers. Source: [SDM] 3B 17.2 Debug Registers, 17.3 Debug Exceptions. */
public final class Debug {
    /** DR6: access to a debug register with GD set; single step; task switch. */
    public static final int BD = 1 << 13, BS = 1 << 14, BT = 1 << 15;
    private static final long DR6_ONES = 0xFFFF_0FF0L, DR7_ONES = 0x400, GD = 1 << 13;
    private static final int EXECUTE = 0, WRITE = 1, PORT = 2, ACCESS = 3;

    private Debug() {}

    private static int number(Cpu cpu, int n) {
        if (n != 4 && n != 5) return n;
        if ((cpu.cr4 & Cpu.CR4_DE) != 0) throw cpu.ud();
        return n + 2;
    }

    private static void guard(Cpu cpu) {
        if ((cpu.debug[7] & GD) == 0) return;
        cpu.debug[6] |= BD;
        cpu.debug[7] &= ~GD;
        throw cpu.fault(GuestFault.DB);
    }

    /** MOV from DRn. */
    public static long read(Cpu cpu, int n) {
        n = number(cpu, n);
        guard(cpu);
        return cpu.debug[n];
    }

    /** MOV to DRn. */
    public static void write(Cpu cpu, int n, long value) {
        n = number(cpu, n);
        guard(cpu);
        cpu.debug[n] = switch (n) {
            case 6 -> value & 0xE00F | DR6_ONES;
            case 7 -> value & 0xFFFF_23FFL | DR7_ONES;
            default -> value;
        };
        arm(cpu);
    }

    /** The set (bits 3:0) of breakpoints that are enabled and of these types. */
    private static int enabled(Cpu cpu, int type) {
        int set = 0;
        long dr7 = cpu.debug[7];
        for (int i = 0; i < 4; i++) {
            boolean on = (dr7 >>> 2 * i & 3) != 0;
            if (on && (dr7 >>> 16 + 4 * i & 3) == type) set |= 1 << i;
        }
        return set;
    }

    /** Hands the data breakpoints to the MMU; to be called when DR0-3 or DR7 have changed. */
    static void arm(Cpu cpu) {
        int onAccess = enabled(cpu, ACCESS);
        cpu.mmu.breakpoints(cpu.debug, enabled(cpu, WRITE) | onAccess, onAccess);
        cpu.attend();
    }

    /**
     * Are breakpoints armed, so that instructions have to be executed one by one? Those on code have to be looked for before
     * each instruction; those on data trap right behind the instruction that hits them, not at the end of a block.
     */
    public static boolean armed(Cpu cpu) { return (cpu.debug[7] & 0xFF) != 0; }

    /** The instruction breakpoints at a linear address, as bits for DR6. Length must be 1 byte (LEN 0). */
    public static int codeHits(Cpu cpu, long linear) {
        int hits = 0;
        int set = enabled(cpu, EXECUTE);
        for (int i = 0; i < 4; i++) {
            if ((set >>> i & 1) != 0 && cpu.debug[i] == linear) hits |= 1 << i;
        }
        return hits;
    }

    /** I/O breakpoints (CR4.DE). */
    static void port(Cpu cpu, int port, int bytes) {
        if ((cpu.debug[7] & 0xFF) == 0 || (cpu.cr4 & Cpu.CR4_DE) == 0) return;
        int set = enabled(cpu, PORT);
        for (int i = 0; i < 4; i++) {
            int length = (int) (cpu.debug[7] >>> 18 + 4 * i & 3) + 1;
            long start = cpu.debug[i] & -length;
            if ((set >>> i & 1) != 0 && port < start + length && start < port + bytes) {
                cpu.debugTrap |= 1 << i;
                cpu.attend();
            }
        }
    }

    /** Delivers a debug exception with these bits in DR6, [SDM] 3B 17.2.3: BD, BS and BT only by their own. */
    public static void raise(Cpu cpu, int bits) {
        cpu.debug[6] = cpu.debug[6] & ~0xFL | bits & 0xE00F | DR6_ONES;
        cpu.debug[7] &= ~GD;
        cpu.interrupts.exception(GuestFault.DB, 0);
    }

    /** A task switch disables the local breakpoints. */
    static void leaveTask(Cpu cpu) {
        if ((cpu.debug[7] & 0x155) == 0) return;
        cpu.debug[7] &= ~0x155L;
        arm(cpu);
    }
}
