package devices.pc.serial;

import devices.pc.PcDevice;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;

/** QEMU's isa-debug-exit at port F4h: a write of 1, 2 or 4 bytes ends the run with status {@code (2*value+1)&0xff}. */
public final class DebugExit implements IoHandler, PcDevice {
    private final DeviceContext context;

    public DebugExit(DeviceContext context) { this.context = context; }

    @Override
    public String schema() { return "devices.pc/debugexit"; }

    @Override
    public void exchange(StateRecord state) {}

    @Override
    public SavedState save() { return SavedState.none(schema()); }

    @Override
    public void reset() {}

    @Override
    public long read(long offset, int bytes) { return 0; }

    @Override
    public void write(long offset, int bytes, long value) { context.debugExit(value & 0xFFFF_FFFFL >>> 32 - 8 * Math.min(bytes, 4)); }
}
