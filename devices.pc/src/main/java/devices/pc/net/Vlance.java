package devices.pc.net;

import devices.pc.PcDevice;
import devices.pc.chipset.PciFunction;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.handover.StateRecord;

/** VMware's vlance: a PCnet-PCI II on the PCI bus, plugged into a port of a virtual switch [79C970A] PCI Configuration Registers. */
public final class Vlance implements PcDevice {
    private static final int WINDOW_BYTES = 32, INTA = 1;

    private final PciFunction function;
    private final Pcnet79C970A chip;

    /** Takes a slot. @throws IllegalStateException if the bus is full, or the adapter is plugged into no network */
    public Vlance(DeviceContext context) {
        function = new PciFunction(context, 0x1022, 0x2000, 0x02_00_00, 0x10)
                .register(PciFunction.COMMAND, 2, 0, 0x0144) // SERREN, PERREN, BMEN; IOEN and MEMEN come with the windows
                .register(PciFunction.STATUS, 2, 0x0280, 0).clearedByOnes(PciFunction.STATUS, 2, 0xF900)
                .register(0x0D, 1, 0, 0xFF)     // latency timer
                .register(0x3E, 2, 0xFF06, 0)   // MAX_LAT, MIN_GNT
                .interruptPin(INTA);
        int slot = context.claimPci(-1, 0, function);
        chip = new Pcnet79C970A(context, context.network(), function::isBusMaster, PciFunction.interrupt(context, slot, INTA));
        function.ioWindow(0, WINDOW_BYTES, chip).memoryWindow(1, WINDOW_BYTES, chip).onChange(PciFunction.COMMAND, 2, value -> chip.busMasterChanged());
    }

    @Override
    public String schema() { return "devices.pc/vlance"; }

    @Override
    public void exchange(StateRecord state) {
        function.exchange(state.child("pci"));
        chip.exchange(state);
    }

    @Override
    public void reset() {
        function.reset();
        chip.hardReset();
    }

    @Override
    public void close() { chip.close(); }
}
