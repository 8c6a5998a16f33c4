package devices.pc.chipset;

import devices.pc.interrupt.InterruptFabric;
import vmkernel.api.device.DeviceContext;

/** Function 0 of the PIIX4, the bridge to ISA, 00:07.0 [PIIX4 4.1]: its PIRQ registers connect PCI lines to the 8259s. */
final class IsaBridge {
    private static final int PIRQ_ROUTE = 0x60, NOT_ROUTED = 0x80;

    private IsaBridge() {}

    static PciFunction create(DeviceContext context, InterruptFabric fabric) {
        PciFunction function = new PciFunction(context, 0x8086, 0x7110, 0x06_01_00, 0x08)
                .register(PciFunction.COMMAND, 2, 0x0007, 0x0108)
                .register(PciFunction.STATUS, 2, 0x0280, 0).clearedByOnes(PciFunction.STATUS, 2, 0x7800)
                .register(0x4C, 1, 0x4D, 0x7F)          // IORT
                .register(0x4E, 2, 0x0003, 0x07FF)      // XBCS
                .register(0x64, 1, 0x10, 0xFF)          // SERIRQC
                .register(0x69, 1, 0x02, 0xFE)          // TOM
                .register(0x6A, 2, 0, 0x00E0)           // MSTAT
                .register(0x76, 2, 0x0C0C, 0x8F8F)      // MBDMA
                .register(0x80, 1, 0, 0x7F)             // APICBASE. LIMIT: the IOAPIC stays at FEC00000h
                .register(0x82, 1, 0, 0x0F)             // DLC
                .register(0x90, 2, 0, 0xFFFF)           // PDMACFG
                .register(0x92, 4, 0, 0xFFC0_FFC0)      // DDMABP
                .register(0xB0, 4, 0, -1)               // GENCFG
                .register(0xCB, 1, 0x21, 0x3D);         // RTCCFG
        for (int i = 0; i < 4; i++) {
            int pirq = i;
            function.register(PIRQ_ROUTE + i, 1, NOT_ROUTED, 0x8F)
                    .onChange(PIRQ_ROUTE + i, 1, value -> fabric.route(pirq, irq(value)));
        }
        return function;
    }

    /** Only these IRQs can be had; the others are reserved [PIIX4 PIRQRC]. */
    private static int irq(int route) {
        boolean allowed = (0xDEF8 >> (route & 15) & 1) != 0;
        return (route & NOT_ROUTED) != 0 || !allowed ? -1 : route & 15;
    }
}
