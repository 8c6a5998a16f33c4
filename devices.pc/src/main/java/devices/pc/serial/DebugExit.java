package devices.pc.serial;

import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;

/** QEMU's isa-debug-exit at port F4h: a write of 1, 2 or 4 bytes ends the run with status {@code (2*value+1)&0xff}. */
public final class DebugExit implements IoHandler {
    private final DeviceContext context;

    public DebugExit(DeviceContext context) { this.context = context; }

    @Override
    public long read(long offset, int bytes) { return 0; }

    @Override
    public void write(long offset, int bytes, long value) { context.debugExit(value & 0xFFFF_FFFFL >>> 32 - 8 * Math.min(bytes, 4)); }
}
