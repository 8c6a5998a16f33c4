package monitor.x86.cpu;

import java.nio.charset.StandardCharsets;

/**
 * What the CPU says of itself: CPUID and model-specific registers. Only what works is advertised. Sources: [SDM] 2A CPUID;
 * [SDM] 4 2 Model-Specific Registers.
 */
public final class Features {
    /** Family 15, model 2, stepping 9. */
    private static final int SIGNATURE = 0xF29;

    private static final int FPU = 1, DE = 1 << 2, PSE = 1 << 3, TSC = 1 << 4, MSR = 1 << 5, PAE = 1 << 6, CX8 = 1 << 8, APIC = 1 << 9, SEP = 1 << 11,
        PGE = 1 << 13, CMOV = 1 << 15, PAT = 1 << 16, PSE36 = 1 << 17, CLFSH = 1 << 19, MMX = 1 << 23, FXSR = 1 << 24, SSE = 1 << 25, SSE2 = 1 << 26;
    private static final int EDX = FPU | DE | PSE | TSC | MSR | PAE | CX8 | APIC | SEP | PGE | CMOV | PAT | PSE36 | CLFSH | MMX | FXSR | SSE | SSE2;
    private static final int ECX_HYPERVISOR = 1 << 31;
    private static final byte[] BRAND = "VMkernel virtual x86 CPU".getBytes(StandardCharsets.US_ASCII);

    private static final int IA32_TSC = 0x10, IA32_PLATFORM_ID = 0x17, IA32_APIC_BASE = 0x1B, IA32_BIOS_SIGN_ID = 0x8B, IA32_MISC_ENABLE = 0x1A0, IA32_PAT = 0x277;
    /** PAT after reset [SDM] 3A table 12-12. */
    private static final long PAT_RESET = 0x0007_0406_0007_0406L;
    /** Memory types that a PAT entry may name: 0, 1, 4, 5, 6, 7. */
    private static final int PAT_TYPES = 0xF3;
    private static final long APIC_BASE_BITS = 0xF_FFFF_F900L;

    private Features() {}

    /** EAX, EBX, ECX, EDX of a leaf. */
    public static int[] leaf(Cpu cpu, int leaf, int subleaf) {
        return switch (leaf) {
            case 0 -> new int[] {2, word("Genu"), word("ntel"), word("ineI")};
            case 1 -> new int[] {SIGNATURE, cpu.context.cpu() << 24 | 1 << 16 | 8 << 8, ECX_HYPERVISOR, apicEnabled(cpu) ? EDX : EDX & ~APIC};
            case 0x8000_0000 -> new int[] {0x8000_0008, 0, 0, 0};
            case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> brand(leaf - 0x8000_0002);
            case 0x8000_0008 -> new int[] {monitor.x86.mmu.Mmu.PHYSICAL_BITS | 32 << 8, 0, 0, 0};
            case 2 -> new int[] {0x0000_0001, 0, 0, 0};
            default -> new int[4];
        };
    }

    private static int[] brand(int part) {
        int[] words = new int[4];
        for (int n = 0; n < 16; n++) {
            int at = 16 * part + n;
            if (at < BRAND.length) words[n >> 2] |= BRAND[at] << 8 * (n & 3);
        }
        return words;
    }

    private static int word(String text) {
        return text.charAt(0) | text.charAt(1) << 8 | text.charAt(2) << 16 | text.charAt(3) << 24;
    }

    private static boolean apicEnabled(Cpu cpu) { return (apicBase(cpu) & 0x800) != 0; }

    private static long apicBase(Cpu cpu) {
        return cpu.msrs.getOrDefault(IA32_APIC_BASE, 0xFEE0_0800L | (cpu.context.cpu() == 0 ? 0x100 : 0));
    }

    /** RDMSR; #GP(0) for what does not exist. */
    public static long readMsr(Cpu cpu, int number) {
        return switch (number) {
            case IA32_TSC -> cpu.tsc();
            case IA32_APIC_BASE -> apicBase(cpu);
            case IA32_PLATFORM_ID, IA32_BIOS_SIGN_ID -> 0;
            case IA32_MISC_ENABLE -> 1;
            case IA32_PAT -> cpu.msrs.getOrDefault(number, PAT_RESET);
            case Transfers.SYSENTER_CS, Transfers.SYSENTER_ESP, Transfers.SYSENTER_EIP -> cpu.msrs.getOrDefault(number, 0L);
            default -> throw cpu.gp();
        };
    }

    /** WRMSR; #GP(0) for what does not exist or may not be set. */
    public static void writeMsr(Cpu cpu, int number, long value) {
        switch (number) {
            case IA32_TSC -> cpu.tscOffset += value - cpu.tsc();
            case IA32_APIC_BASE -> {
                if ((value & ~APIC_BASE_BITS) != 0) throw cpu.gp();
                cpu.msrs.put(number, value);
                cpu.context.apicBase(value);
                cpu.mmu.flush();
            }
            case IA32_PAT -> {
                for (int n = 0; n < 64; n += 8) {
                    long type = value >>> n & 0xFF;
                    if (type > 7 || (PAT_TYPES >>> type & 1) == 0) throw cpu.gp();
                }
                cpu.msrs.put(number, value); // caches are not modelled: every type behaves alike
            }
            case IA32_BIOS_SIGN_ID, IA32_MISC_ENABLE -> {
                // a microcode revision and switches that this CPU does not have
            }
            case Transfers.SYSENTER_CS, Transfers.SYSENTER_ESP, Transfers.SYSENTER_EIP -> cpu.msrs.put(number, value & 0xFFFF_FFFFL);
            default -> throw cpu.gp();
        }
    }
}
