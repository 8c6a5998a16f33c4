package vmkernel.core.machine.replaced;

import java.util.Optional;
import java.util.Set;
import vmkernel.api.device.ByteStream;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;

/**
 * A device of everything: a register that counts what is written to it, a clock that ticks every 100 us, an interrupt line that
 * follows the register's lowest bit, a stream, a PCI function, a page of memory. It knows nothing but the API, so that a test can
 * load it by a class loader of its own.
 */
public final class Counter implements VirtualDeviceProvider {
    public static final int PORT = 0x700, LINE = 17;
    public static final long MEMORY = 0xFD00_0000L, PERIOD = 100_000;
    private static final String SCHEMA = "test/counter";

    /** What the device tells the test, without objects of this class. */
    public interface Observer {
        void created(DeviceContext context, long ticks);

        void ticked(long ticks, long lateNanos);

        /** Throws to make a step fail: {@code save}, {@code create}, {@code claimed} (in the middle of a creation), {@code close}. */
        void step(String what);
    }

    private final Observer observer;

    public Counter(Observer observer) { this.observer = observer; }

    @Override public Set<String> types() { return Set.of("counter"); }

    @Override
    public VirtualDevice create(String type, DeviceContext context, Optional<SavedState> state) {
        observer.step("create");
        return new Device(context, state);
    }

    private final class Device implements VirtualDevice, IoHandler, PciHandler {
        private final InterruptLine line;
        private final GuestTimer clock;
        private final ByteStream stream;
        private final DeviceContext context;
        private long value;
        private long ticks;
        private long next;
        private long echoed;

        Device(DeviceContext context, Optional<SavedState> saved) {
            this.context = context;
            context.claimPorts(PORT, 4, this);
            context.claimMemory(MEMORY, 0x1000, this);
            context.claimPci(-1, 0, this);
            observer.step("claimed");
            line = context.interrupt(LINE);
            clock = context.timer(this::tick);
            stream = context.stream("counter");
            stream.listener(this::echo, () -> {});
            saved.ifPresent(state -> {
                exchange(StateRecord.loading(state, SCHEMA, 1));
                line.restore((value & 1) != 0);
                clock.at(next);
            });
            observer.created(context, ticks);
        }

        private StateRecord exchange(StateRecord state) {
            value = state.exchange("value", value);
            ticks = state.exchange("ticks", ticks);
            next = state.exchange("next", next);
            echoed = state.exchange("echoed", echoed);
            return state;
        }

        private void tick() {
            ticks++;
            observer.ticked(ticks, context.clock().nanos() - next);
            clock.at(next += PERIOD);
        }

        private void echo() {
            for (int b; (b = stream.read()) >= 0; echoed++) stream.write(b);
        }

        @Override
        public void reset() {
            value = 0;
            line.set(false);
            clock.at(next = context.clock().nanos() + PERIOD);
        }

        @Override
        public SavedState save() {
            observer.step("save");
            return exchange(StateRecord.saving()).saved(SCHEMA, 1);
        }

        @Override public void close() { observer.step("close"); }

        @Override public long read(long offset, int bytes) { return value; }

        @Override
        public void write(long offset, int bytes, long added) {
            value += added;
            line.set((value & 1) != 0);
        }

        @Override public int read(int offset, int bytes) { return (int) value; }

        @Override public void write(int offset, int bytes, int written) {}
    }
}
