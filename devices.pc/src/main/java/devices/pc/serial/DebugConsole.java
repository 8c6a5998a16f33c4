package devices.pc.serial;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import java.util.ArrayDeque;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.ByteStream;
import vmkernel.api.handover.StateRecord;

/**
 * The debug console of Bochs and QEMU at port E9h: a write is a byte of output; a read gives E9h, which tells that it is there.
 * The port has no way to make the guest wait, so what the stream cannot take now is kept here.
 */
public final class DebugConsole implements ByteChip, PcDevice {
    /** More than this is lost, and counted. */
    private static final int LIMIT_BYTES = 1 << 20;

    private final DeviceContext context;
    private final ByteStream stream;
    private final ArrayDeque<Byte> kept = new ArrayDeque<>();

    public DebugConsole(DeviceContext context, ByteStream stream) {
        this.context = context;
        this.stream = stream;
        stream.listener(() -> { }, this::flush);
    }

    @Override
    public String schema() { return "devices.pc/debugcon"; }

    @Override
    public void exchange(StateRecord state) {
        byte[] bytes = new byte[kept.size()];
        int at = 0;
        for (byte value : kept) bytes[at++] = value;
        bytes = state.exchange("kept", bytes);
        if (!state.loading()) return;
        kept.clear();
        for (byte value : bytes) kept.add(value);
        flush();
    }

    @Override
    public void reset() {} // output goes on

    @Override
    public void close() { stream.listener(null, null); }

    @Override
    public int read(int offset) { return 0xE9; }

    @Override
    public void write(int offset, int value) {
        if (kept.isEmpty() && stream.write(value)) return;
        if (kept.size() < LIMIT_BYTES) kept.add((byte) value);
        else context.misuse("debug console output lost");
    }

    private void flush() {
        while (!kept.isEmpty() && stream.write(kept.peek() & 0xFF)) kept.remove();
    }
}
