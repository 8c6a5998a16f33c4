package devices.pc.time;

import devices.pc.bus.ByteChip;
import vmkernel.api.handover.StateRecord;

/**
 * The 8254 programmable interval timer [8254]: three counters in six modes. Time is given to it in clocks of its CLK input
 * (see {@link #HERTZ}), which all counters share; what OUT and GATE are wired to is the socket's business.
 */
public final class Pit8254 implements ByteChip {
    /** CLK of a PC's timer: 14.31818 MHz / 12. */
    public static final long HERTZ = 1_193_182;
    private static final int CONTROL = 3, READ_BACK = 3;

    private final Counter[] counters = {new Counter(), new Counter(), new Counter()};

    /** Power-on; undefined by the datasheet, so all counters wait for a count in mode 0 with GATE high. */
    public void reset() {
        for (Counter counter : counters) counter.reset();
    }

    void exchange(StateRecord state) {
        for (int i = 0; i < counters.length; i++) counters[i].exchange(state.child("counter" + i));
    }

    public Counter counter(int number) { return counters[number]; }

    /** Lets clocks pass on one counter. @return how often its OUT rose */
    public long advance(int number, long clocks) { return counters[number].advance(clocks); }

    @Override
    public int read(int offset) {
        return offset == CONTROL ? 0xFF : counters[offset].read(); // the control word cannot be read: the bus floats
    }

    @Override
    public void write(int offset, int value) {
        if (offset != CONTROL) counters[offset].write(value);
        else if (value >> 6 == READ_BACK) readBack(value);
        else counters[value >> 6].control(value & 0x3F);
    }

    private void readBack(int command) {
        for (int i = 0; i < 3; i++) {
            if ((command & 2 << i) == 0) continue;
            if ((command & 0x20) == 0) counters[i].latchCount();
            if ((command & 0x10) == 0) counters[i].latchStatus();
        }
    }

    /** One counter: the counting element CE, its count register CR, output latch OL and control logic, as the datasheet draws it. */
    public static final class Counter {
        private static final int LSB = 1, MSB = 2, BOTH = 3;
        private static final long NEVER = Long.MAX_VALUE;

        private int mode;           // 0 to 5
        private int access;         // LSB, MSB, BOTH
        private int programmed;     // status bits 5:0 as written
        private int cr;             // as written, 16 bits
        private int crLow;          // first byte of a pair
        private boolean halfWritten, halfRead;
        private int ce;             // 1 to 65536 (10000 in BCD), wraps from 0
        private boolean gate = true, out;
        private boolean counting;   // CE was loaded since the control word
        private boolean load;       // CE is loaded at the next clock
        private boolean armed;      // modes 0, 1, 4, 5: the terminal count is still to come
        private boolean odd;        // what CE was loaded from, in mode 3
        private boolean awaitsCount; // a control word was written, its count not yet
        private boolean nullCount;  // CR was written and not yet taken over
        private int latch = -1, statusLatch = -1; // -1: transparent

        private void reset() {
            gate = true;
            control(BOTH << 4);
        }

        private void exchange(StateRecord state) {
            mode = state.exchange("mode", mode);
            access = state.exchange("access", access);
            programmed = state.exchange("programmed", programmed);
            cr = state.exchange("cr", cr);
            crLow = state.exchange("crLow", crLow);
            halfWritten = state.exchange("halfWritten", halfWritten);
            halfRead = state.exchange("halfRead", halfRead);
            ce = state.exchange("ce", ce);
            gate = state.exchange("gate", gate);
            out = state.exchange("out", out);
            counting = state.exchange("counting", counting);
            load = state.exchange("load", load);
            armed = state.exchange("armed", armed);
            odd = state.exchange("odd", odd);
            awaitsCount = state.exchange("awaitsCount", awaitsCount);
            nullCount = state.exchange("nullCount", nullCount);
            latch = state.exchange("latch", latch);
            statusLatch = state.exchange("statusLatch", statusLatch);
        }

        public boolean out() { return out; }

        /** Drives GATE; what it does depends on the mode [8254] Gate Pin Operations Summary. */
        public void gate(boolean level) {
            boolean rises = level && !gate;
            gate = level;
            switch (mode) {
                case 1, 5 -> { if (rises && !awaitsCount) load = true; }
                case 2, 3 -> {
                    if (!level) out = true;
                    if (rises && !awaitsCount) load = true;
                }
                default -> { }
            }
        }

        /** Time to the next rise of OUT in clocks, at least 1; Long.MAX_VALUE if none will come by itself. */
        public long clocksToRise() {
            if (strobing()) return 1;
            if (!load && !running() || needsGate() && !gate) return NEVER;
            long left = load ? 1 + (long) count() : ce;
            return switch (mode) {
                case 0, 1 -> load || armed ? left : NEVER;
                case 2 -> rateRise(left);
                case 3 -> squareRise();
                default -> load || armed ? left + 1 : NEVER;
            };
        }

        /** The illegal count 1 never lets OUT fall, until another one takes its place. */
        private long rateRise(long left) {
            boolean stuck = out && (load ? count() : ce) == 1;
            return !stuck ? left : count() == 1 ? NEVER : 1 + (long) count();
        }

        private long squareRise() {
            int n = count();
            if (!out) return ce / 2;
            if (n == 1) return NEVER;
            return load ? 1 + (long) n : ce / 2 + (odd ? 1 : 0) + n / 2;
        }

        /** Lets clocks pass. @return how often OUT rose */
        public long advance(long clocks) {
            long rises = 0;
            while (clocks > 0) {
                long quiet = Math.min(quietClocks(), clocks);
                if (quiet > 0) {
                    if (running()) ce -= (int) (quiet * step());
                    clocks -= quiet;
                } else if (clocks > 2L * period()) {
                    rises += wholePeriods(clocks);
                    clocks %= period();
                } else {
                    boolean before = out;
                    clock();
                    clocks--;
                    if (out && !before) rises++;
                }
            }
            return rises;
        }

        /** Rises of OUT in as many whole periods as fit. */
        private long wholePeriods(long clocks) { return repeats() && count() > 1 ? clocks / count() : 0; }

        /** After so many clocks the counter is in the same state again; huge if it is not. */
        private long period() {
            if (load || !running() || strobing()) return Integer.MAX_VALUE;
            if (repeats()) return nullCount ? Integer.MAX_VALUE : count();
            return armed ? Integer.MAX_VALUE : modulus();
        }

        private boolean repeats() { return mode == 2 || mode == 3; }

        private boolean needsGate() { return mode != 1 && mode != 5; }

        private boolean running() { return counting && (gate || !needsGate()); }

        /** Modes 4 and 5: OUT is low for one clock. */
        private boolean strobing() { return mode >= 4 && !out; }

        private int step() { return mode == 3 ? 2 : 1; }

        /** How many clocks do nothing but count down. */
        private long quietClocks() {
            if (load || strobing()) return 0;
            if (!running()) return NEVER;
            return switch (mode) {
                case 2 -> Math.max(0, ce - 2);
                case 3 -> Math.max(0, ce / 2 - 1);
                default -> Math.max(0, ce - 1);
            };
        }

        /** One clock. */
        private void clock() {
            if (strobing()) out = true;
            if (load) loadElement();
            else if (running()) countDown();
        }

        private void countDown() {
            switch (mode) {
                case 2 -> clockRate();
                case 3 -> clockSquare();
                default -> clockShot();
            }
        }

        private void loadElement() {
            load = false;
            nullCount = false;
            counting = true;
            armed = true;
            reload();
            if (mode == 1) out = false;
            if (repeats()) out = true;
        }

        private void reload() {
            odd = (count() & 1) != 0;
            ce = mode == 3 ? count() & ~1 : count();
            nullCount = false;
        }

        /** Mode 2: OUT is low while the element is 1. */
        private void clockRate() {
            if (ce <= 1) {
                reload();
                out = true;
            } else if (--ce == 1) {
                out = false;
            }
        }

        /** Mode 3: counts by two; OUT changes at 0, after an odd count's high half one clock later. */
        private void clockSquare() {
            boolean extra = out && odd;
            if (ce > 2 || ce == 2 && extra) {
                ce -= 2;
                return;
            }
            reload();
            out = !out || count() == 1;
        }

        /** Modes 0, 1, 4, 5: one event at 0, then the element goes on round. */
        private void clockShot() {
            ce = ce == 0 ? modulus() - 1 : ce - 1;
            if (ce != 0 || !armed) return;
            armed = false;
            out = mode < 4;
        }

        /** Control word bits 5:0; 00 in bits 5:4 is the latch command. */
        private void control(int word) {
            if (word >> 4 == 0) {
                latchCount();
                return;
            }
            programmed = word;
            access = word >> 4;
            int bits = word >> 1 & 7;
            mode = bits > 5 ? bits - 4 : bits;
            halfWritten = halfRead = load = counting = armed = false;
            latch = statusLatch = -1;
            nullCount = awaitsCount = true;
            out = mode != 0;
        }

        /** A byte of the count. */
        private void write(int value) {
            if (access == BOTH && !halfWritten) {
                crLow = value;
                halfWritten = true;
                if (mode == 0) { // the first byte stops the counting
                    counting = load = false;
                    out = false;
                }
                return;
            }
            cr = access == LSB ? value : access == MSB ? value << 8 : value << 8 | crLow;
            halfWritten = false;
            countWritten();
        }

        private void countWritten() {
            boolean first = awaitsCount;
            awaitsCount = false;
            nullCount = true;
            switch (mode) {
                case 0 -> {
                    out = false;
                    load = true;
                }
                case 4 -> load = true;
                case 2, 3 -> { if (first) load = true; }
                default -> { } // 1 and 5 wait for a trigger
            }
        }

        private int read() {
            if (statusLatch >= 0) {
                int status = statusLatch;
                statusLatch = -1;
                return status;
            }
            int value = latch >= 0 ? latch : shown();
            if (access == BOTH && !halfRead) {
                halfRead = true;
                return value & 0xFF;
            }
            halfRead = false;
            latch = -1;
            return access == LSB ? value & 0xFF : value >> 8;
        }

        /** A second latch command before the count was read is ignored. */
        private void latchCount() {
            if (latch < 0) latch = shown();
        }

        private void latchStatus() {
            if (statusLatch < 0) statusLatch = (out ? 0x80 : 0) | (nullCount ? 0x40 : 0) | programmed;
        }

        private boolean bcd() { return (programmed & 1) != 0; }

        private int modulus() { return bcd() ? 10_000 : 0x1_0000; }

        /** The programmed count; 0 is the largest. */
        private int count() {
            int n = bcd() ? (cr >> 12) * 1000 + (cr >> 8 & 15) * 100 + (cr >> 4 & 15) * 10 + (cr & 15) : cr;
            return n == 0 ? modulus() : n;
        }

        /** The element as the data bus shows it. */
        private int shown() {
            int n = ce % modulus();
            return bcd() ? n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10 : n;
        }
    }
}
