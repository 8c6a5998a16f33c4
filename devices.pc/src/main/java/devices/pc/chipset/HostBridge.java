package devices.pc.chipset;

import vmkernel.api.device.DeviceContext;

/**
 * The 82443BX host bridge without AGP, 00:00.0 [82443BX 3.3]. Memory is the kernel's, so its DRAM, shadow (PAM) and SMRAM
 * registers hold what software writes and change nothing.
 */
final class HostBridge {
    /** Vendor and device that VMware's board has in all subsystem registers. */
    static final int SUBSYSTEM_ID = 0x1976_15AD;
    private static final int ROW_SHIFT = 23; // DRAM row boundaries are in units of 8 MB

    private HostBridge() {}

    static PciFunction create(DeviceContext context) {
        PciFunction function = new PciFunction(context, 0x8086, 0x7192, 0x06_00_00, 0x03)
                .register(PciFunction.COMMAND, 2, 0x0006, 0x0100)
                .register(PciFunction.STATUS, 2, 0x0200, 0).clearedByOnes(PciFunction.STATUS, 2, 0xF900)
                .register(0x0D, 1, 0, 0xF8)             // MLT
                .register(PciFunction.SUBSYSTEM, 4, SUBSYSTEM_ID, 0)
                .storage(0x50, 0xFF)
                .register(0x50, 4, 0x0000_000C, 0xFF00_FFFB) // NBXCFG
                .register(0x57, 1, 0, 0x3F)             // DRAMC
                .register(0x58, 1, 0x03, 0xFF)          // DRAMT
                .register(0x68, 1, 0, 0xC0)             // FDHC
                .register(0x72, 1, 0x02, 0x78)          // SMRAM
                .register(0x73, 1, 0x38, 0x87)          // ESMRAMC
                .register(0x91, 2, 0, 0)                // ERRSTS
                .register(0xF8, 4, 0x0000_0F20, 0);     // identification
        for (int pam = 0x59; pam <= 0x5F; pam++) function.register(pam, 1, 0, pam == 0x59 ? 0x30 : 0x33);
        int rows = (int) Math.min(0xFF, context.memory().sizeBytes() >>> ROW_SHIFT);
        for (int row = 0x60; row <= 0x67; row++) function.register(row, 1, rows, 0xFF); // DRB, as firmware sizes it
        return function;
    }
}
