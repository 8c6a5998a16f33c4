package devices.pc.time;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import java.util.Arrays;
import java.util.function.Function;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.handover.StateRecord;

/**
 * The socket of the 8254 in a PC: CLK is guest time, OUT of counter 0 is IRQ 0, counter 1 stands for the memory refresh, and
 * counter 2 with its GATE belongs to the speaker behind port 61h [PIIX4 4.4], [PIIX4 NMISC].
 */
public final class IntervalTimer {
    /** Callbacks for a guest that asks for more than this are late; their ticks come one after another. */
    private static final long SHORTEST_NANOS = 10_000;
    private static final int REFRESH_CLOCKS = 18; // 15.085 microseconds
    private static final int SPEAKER_GATE = 0x01, STORED = 0x0F, REFRESH = 0x10, OUT2 = 0x20;

    private final Pit8254 chip = new Pit8254();
    private final TickBacklog backlog = new TickBacklog();
    private final GuestClock clock;
    private final GuestTimer timer;
    private final TickLine irq0;
    private final long[] clocks = new long[3]; // of CLK since power-on that each counter has seen
    private int port61;

    /** @param timers makes a timer of guest time for a callback */
    public IntervalTimer(GuestClock clock, Function<Runnable, GuestTimer> timers, TickLine irq0) {
        this.clock = clock;
        this.timer = timers.apply(() -> refresh(0));
        this.irq0 = irq0;
    }

    /** As a PC's firmware leaves it: counter 0 ticks 18.2 times a second, counter 1 refreshes memory, the speaker is off. */
    public void reset() {
        Arrays.fill(clocks, clocksAt(clock.nanos()));
        chip.reset();
        backlog.clear();
        irq0.set(false);
        chip.counter(2).gate(false);
        port61 = 0;
        program(0, 0x36, 0x00, 0x00);
        program(1, 0x54, REFRESH_CLOCKS);
        program(2, 0xB6, 0x00, 0x00);
        schedule();
    }

    public void close() { timer.cancel(); }

    public void exchange(StateRecord state) {
        chip.exchange(state);
        state.fill("clocks", clocks);
        port61 = state.exchange("port61", port61);
        backlog.exchange(state, "backlog");
        PcDevice.exchange(state, "timer", timer);
    }

    /** Ports 40h to 43h. */
    public ByteChip ports() {
        return new ByteChip() {
            @Override
            public int read(int offset) {
                if (offset < 3) refresh(offset);
                return chip.read(offset);
            }

            @Override
            public void write(int offset, int value) {
                if (offset < 3) refresh(offset);
                else refreshAll();
                boolean before = chip.counter(0).out();
                chip.write(offset, value);
                if (offset == 0 || offset == 3 && value >> 6 == 0 && (value & 0x30) != 0) counter0Changed(before, offset == 3);
            }
        };
    }

    /** Port 61h. */
    public ByteChip systemControl() {
        return new ByteChip() {
            @Override
            public int read(int offset) {
                refresh(2);
                return port61 | ((clocks[2] / REFRESH_CLOCKS & 1) != 0 ? REFRESH : 0) | (chip.counter(2).out() ? OUT2 : 0);
            }

            @Override
            public void write(int offset, int value) {
                refresh(2);
                port61 = value & STORED;
                chip.counter(2).gate((value & SPEAKER_GATE) != 0);
            }
        };
    }

    /** The guest acknowledged an interrupt: the next late tick may follow. */
    public void acknowledged() {
        if (!backlog.isEmpty()) deliver();
    }

    private void refreshAll() {
        for (int counter = 0; counter < 3; counter++) refresh(counter);
    }

    /**
     * Brings a counter to the present: what a guest reads never runs ahead of the ticks that it was given an edge for. Only the
     * one that is looked at, for a guest that calibrates its CPU by it wants its answer soon.
     */
    private void refresh(int counter) {
        long now = clocksAt(clock.nanos()), passed = now - clocks[counter];
        if (passed <= 0) return;
        clocks[counter] = now;
        long rises = chip.advance(counter, passed);
        if (counter == 0 && rises != 0) ticked(rises, passed);
    }

    private void ticked(long rises, long passed) {
        backlog.add(rises, nanosOf(passed / rises));
        deliver();
        schedule();
    }

    private void counter0Changed(boolean before, boolean reprogrammed) {
        boolean out = chip.counter(0).out();
        if (reprogrammed) backlog.clear();
        if (!out) irq0.set(false);
        else if (!before) backlog.add(1, 1);
        deliver();
        schedule();
    }

    /**
     * One edge, if the one before was taken. The low half of a square wave is not shown on the line: a guest that keeps
     * interrupts off for longer than half a period does not lose its tick.
     */
    private void deliver() {
        if (irq0.waits() || !backlog.take()) return;
        irq0.set(false);
        irq0.set(true);
        if (!irq0.wanted()) backlog.clear();
    }

    private void schedule() {
        long rise = chip.counter(0).clocksToRise();
        if (rise == Long.MAX_VALUE) timer.cancel();
        else timer.at(Math.max(nanosOf(clocks[0] + rise), clock.nanos() + SHORTEST_NANOS));
    }

    private void program(int counter, int control, int... count) {
        chip.write(3, control);
        for (int value : count) chip.write(counter, value);
    }

    private static long clocksAt(long nanos) {
        return nanos / 1_000_000_000 * Pit8254.HERTZ + nanos % 1_000_000_000 * Pit8254.HERTZ / 1_000_000_000;
    }

    /** First nanosecond at which {@link #clocksAt} gives this. */
    private static long nanosOf(long clocks) {
        return clocks / Pit8254.HERTZ * 1_000_000_000 + (clocks % Pit8254.HERTZ * 1_000_000_000 + Pit8254.HERTZ - 1) / Pit8254.HERTZ;
    }
}
