package host.sim.bus;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import vmkernel.api.hardware.PciId;

/**
 * A device of two windows: register 0 counts its pending events, and what is written is taken off; a write to register 4 adds
 * events; register 8 keeps what is written. Its pin is up while events are pending.
 */
final class TestModel implements Model {
    static final PciId ID = new PciId(0x1234, 0x5678, 0x9ABC, 0xDEF0, 0x020000, 8);

    final Slot slot;
    final AtomicInteger pending = new AtomicInteger();
    volatile long kept;
    volatile boolean closed;

    TestModel(Slot slot) { this.slot = slot; }

    /** As by a thread of the model. */
    void raise(int events) {
        pending.addAndGet(events);
        slot.interruptChanged();
    }

    @Override public PciId id() { return ID; }

    @Override public List<Window> windows() { return List.of(new Window(0, 4096, false), new Window(1, 64, true)); }

    @Override public int interruptPin() { return 1; }

    @Override public boolean interrupt() { return pending.get() > 0; }

    @Override
    public long read(int bar, int offset, int bytes) { return offset == 0 ? pending.get() : offset == 8 ? kept : bar; }

    @Override
    public void write(int bar, int offset, int bytes, long value) {
        if (offset == 0) pending.addAndGet((int) -value);
        if (offset == 4) raise((int) value);
        if (offset == 8) kept = value;
    }

    @Override
    public void reset() {
        pending.set(0);
        kept = 0;
    }

    @Override public void close() { closed = true; }
}
