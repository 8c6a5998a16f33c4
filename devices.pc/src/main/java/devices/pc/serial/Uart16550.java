package devices.pc.serial;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import java.util.function.Function;
import vmkernel.api.device.ByteStream;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.handover.StateRecord;

/**
 * The 16550A UART with its FIFOs [PC16550D]. What the guest sends goes to a byte stream at once and not at the pace of the baud
 * rate; while the stream is full the transmitter is busy. Input is taken from the stream as the FIFO has room, so that nothing
 * overruns. The far end is a terminal that is always ready: CTS, DSR and DCD are on.
 */
public final class Uart16550 implements ByteChip, PcDevice {
    private static final int DATA = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6;
    private static final int IER_RDA = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08;
    private static final int IIR_NONE = 0x01, IIR_LINE = 0x06, IIR_RDA = 0x04, IIR_TIMEOUT = 0x0C, IIR_THRE = 0x02, IIR_MODEM = 0x00, IIR_FIFOS = 0xC0;
    private static final int FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_DMA = 0x08, FCR_TRIGGER = 0xC0;
    private static final int LCR_DLAB = 0x80, LCR_8_BITS = 0x03;
    private static final int MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_WRITABLE = 0x1F;
    private static final int LSR_DR = 0x01, LSR_OE = 0x02, LSR_ERRORS = 0x1E, LSR_THRE = 0x20, LSR_TEMT = 0x40;
    private static final int MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80, MSR_TERI = 0x04, MSR_DELTAS = 0x0F;
    private static final int CLOCK_HERTZ = 1_843_200, FIFO = 16;
    private static final int[] TRIGGERS = {1, 4, 8, 14};

    private final ByteStream stream;
    private final InterruptLine irq;
    private final GuestClock clock;
    private final GuestTimer timeout;

    private int ier, fcr, lcr, mcr, lsr, msr, scratch, divisor;
    private boolean emptied;    // the THRE interrupt is pending
    private boolean timedOut;   // bytes wait below the trigger level
    private long touchedNanos;  // when the receive FIFO was last filled or read
    private final Fifo received = new Fifo(), unsent = new Fifo();

    /** @param timers makes a timer of guest time for a callback */
    public Uart16550(ByteStream stream, InterruptLine irq, GuestClock clock, Function<Runnable, GuestTimer> timers) {
        this.stream = stream;
        this.irq = irq;
        this.clock = clock;
        this.timeout = timers.apply(this::checkTimeout);
        stream.listener(this::receive, this::transmit);
    }

    /** Master reset [PC16550D] Table I, and then 9600 baud, 8N1, which is what a PC's firmware programs. */
    @Override
    public void reset() {
        ier = fcr = mcr = scratch = 0;
        lcr = LCR_8_BITS;
        divisor = 12;
        lsr = LSR_THRE | LSR_TEMT;
        msr = MSR_CTS | MSR_DSR | MSR_DCD;
        emptied = timedOut = false;
        received.clear();
        unsent.clear();
        timeout.cancel();
        signal();
        receive();
    }

    @Override
    public String schema() { return "devices.pc/uart"; }

    @Override
    public void exchange(StateRecord state) {
        ier = state.exchange("ier", ier);
        fcr = state.exchange("fcr", fcr);
        lcr = state.exchange("lcr", lcr);
        mcr = state.exchange("mcr", mcr);
        lsr = state.exchange("lsr", lsr);
        msr = state.exchange("msr", msr);
        scratch = state.exchange("scratch", scratch);
        divisor = state.exchange("divisor", divisor);
        emptied = state.exchange("emptied", emptied);
        timedOut = state.exchange("timedOut", timedOut);
        touchedNanos = state.exchange("touchedNanos", touchedNanos);
        received.exchange(state.child("received"));
        unsent.exchange(state.child("unsent"));
        PcDevice.exchange(state, "timeout", timeout);
        if (!state.loading()) return;
        irq.restore(interrupts());
        receive(); // what came while nobody listened
        transmit();
    }

    @Override
    public void close() {
        stream.listener(null, null);
        timeout.cancel();
    }

    @Override
    public int read(int offset) {
        boolean latch = (lcr & LCR_DLAB) != 0;
        return switch (offset) {
            case DATA -> latch ? divisor & 0xFF : readData();
            case IER -> latch ? divisor >> 8 : ier;
            case IIR_FCR -> readIdentification();
            case LCR -> lcr;
            case MCR -> mcr;
            case LSR -> readLineStatus();
            case MSR -> readModemStatus();
            default -> scratch;
        };
    }

    @Override
    public void write(int offset, int value) {
        boolean latch = (lcr & LCR_DLAB) != 0;
        switch (offset) {
            case DATA -> {
                if (latch) divisor = divisor & 0xFF00 | value;
                else send(value);
            }
            case IER -> {
                if (latch) divisor = divisor & 0xFF | value << 8;
                else enable(value & 0x0F);
            }
            case IIR_FCR -> fifoControl(value);
            case LCR -> lineControl(value);
            case MCR -> modemControl(value & MCR_WRITABLE);
            case LSR, MSR -> { } // the datasheet keeps writes for factory tests
            default -> scratch = value;
        }
        signal();
    }

    // -- transmitter --

    private void send(int value) {
        emptied = false;
        if (looped()) {
            arrive(value & dataMask());
            emptied = true;
            return;
        }
        if (unsent.size() < capacity()) unsent.add(value & dataMask());
        else unsent.replaceLast(value & dataMask()); // a full holding register is overwritten
        lsr &= ~(LSR_THRE | LSR_TEMT);
        transmit();
    }

    /** Gives the stream what it takes; also called when it has room again. */
    private void transmit() {
        while (!unsent.isEmpty() && stream.write(unsent.first())) unsent.remove();
        if (unsent.isEmpty() && (lsr & LSR_THRE) == 0) transmitterEmpty();
        signal();
    }

    private void transmitterEmpty() {
        lsr |= LSR_THRE | LSR_TEMT;
        emptied = true;
    }

    // -- receiver --

    private int readData() {
        int value = received.isEmpty() ? 0 : received.remove() & dataMask();
        timedOut = false;
        touched();
        receive();
        signal();
        return value;
    }

    /** Takes what the stream has and the FIFO has room for; also called when bytes arrive. */
    private void receive() {
        if (looped()) return;
        boolean any = false;
        while (received.size() < capacity() && stream.available()) {
            int value = stream.read();
            if (value < 0) break;
            received.add(value);
            any = true;
        }
        if (any) touched();
        signal();
    }

    /** A byte of the loopback, which has no flow control. */
    private void arrive(int value) {
        if (received.size() < capacity()) received.add(value);
        else {
            lsr |= LSR_OE;
            if (!fifos()) received.replaceLast(value); // the FIFO keeps its bytes, the register does not
        }
        touched();
    }

    private void touched() {
        if (received.isEmpty()) lsr &= ~LSR_DR;
        else lsr |= LSR_DR;
        touchedNanos = clock.nanos();
        if (fifos() && !received.isEmpty() && received.size() < trigger()) timeout.at(touchedNanos + timeoutNanos());
        else timeout.cancel();
    }

    private void checkTimeout() {
        if (!fifos() || received.isEmpty() || clock.nanos() < touchedNanos + timeoutNanos()) return;
        timedOut = true;
        signal();
    }

    /** Four characters with their start, parity and stop bits. */
    private long timeoutNanos() {
        long bits = 1 + 5 + (lcr & 3) + ((lcr & 8) >> 3) + 1 + ((lcr & 4) >> 2);
        long divider = divisor == 0 ? 0x1_0000 : divisor;
        return 4 * bits * 16 * divider * 1_000_000_000L / CLOCK_HERTZ;
    }

    // -- control --

    private boolean looped() { return (mcr & MCR_LOOP) != 0; }

    private boolean fifos() { return (fcr & FCR_ENABLE) != 0; }

    private int capacity() { return fifos() ? FIFO : 1; }

    private int trigger() { return fifos() ? TRIGGERS[fcr >> 6] : 1; }

    private int dataMask() { return 0xFF >> 3 - (lcr & 3); }

    private void enable(int value) {
        if ((value & ~ier & IER_THRE) != 0 && (lsr & LSR_THRE) != 0) emptied = true;
        ier = value;
    }

    private void fifoControl(int value) {
        boolean toggles = ((value ^ fcr) & FCR_ENABLE) != 0;
        boolean enabled = (value & FCR_ENABLE) != 0;
        if (toggles || enabled && (value & FCR_CLEAR_RX) != 0) clearReceiver();
        if (toggles || enabled && (value & FCR_CLEAR_TX) != 0) clearTransmitter();
        fcr = enabled ? value & (FCR_ENABLE | FCR_DMA | FCR_TRIGGER) : 0;
        receive();
    }

    private void clearReceiver() {
        received.clear();
        timedOut = false;
        touched();
    }

    private void clearTransmitter() {
        unsent.clear();
        if ((lsr & LSR_THRE) == 0) transmitterEmpty();
    }

    /** LIMIT: a break that is sent, and parity, do not reach the byte stream, which has bytes only. */
    private void lineControl(int value) { lcr = value; }

    private void modemControl(int value) {
        mcr = value;
        int before = msr;
        int inputs = looped() ? loopedInputs() : MSR_CTS | MSR_DSR | MSR_DCD;
        int changed = (before ^ inputs) & ~0xF;
        int deltas = changed >> 4 & ~MSR_TERI | ((before & ~inputs & MSR_RI) != 0 ? MSR_TERI : 0);
        msr = inputs | before & MSR_DELTAS | deltas;
        receive();
    }

    /** Loopback: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
    private int loopedInputs() {
        return ((mcr & MCR_RTS) != 0 ? MSR_CTS : 0) | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0)
                | ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0) | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0);
    }

    private int readLineStatus() {
        int value = lsr;
        lsr &= ~LSR_ERRORS;
        signal();
        return value;
    }

    private int readModemStatus() {
        int value = msr;
        msr &= ~MSR_DELTAS;
        signal();
        return value;
    }

    // -- interrupts --

    private int readIdentification() {
        int source = source();
        if (source == IIR_THRE) {
            emptied = false;
            signal();
        }
        return source | (fifos() ? IIR_FIFOS : 0);
    }

    /** The pending interrupt with the highest priority [PC16550D] Table IV. */
    private int source() {
        if ((ier & IER_LINE) != 0 && (lsr & LSR_ERRORS) != 0) return IIR_LINE;
        if ((ier & IER_RDA) != 0 && received.size() >= trigger()) return IIR_RDA;
        if ((ier & IER_RDA) != 0 && timedOut) return IIR_TIMEOUT;
        if ((ier & IER_THRE) != 0 && emptied) return IIR_THRE;
        if ((ier & IER_MODEM) != 0 && (msr & MSR_DELTAS) != 0) return IIR_MODEM;
        return IIR_NONE;
    }

    /** OUT2 lets the interrupt onto the bus of a PC. */
    private boolean interrupts() { return (mcr & MCR_OUT2) != 0 && source() != IIR_NONE; }

    private void signal() { irq.set(interrupts()); }

    /** Sixteen bytes at most. */
    private static final class Fifo {
        private final byte[] bytes = new byte[FIFO];
        private int first, size;

        int size() { return size; }

        boolean isEmpty() { return size == 0; }

        int first() { return bytes[first] & 0xFF; }

        void add(int value) { bytes[first + size++ & FIFO - 1] = (byte) value; }

        void replaceLast(int value) { bytes[first + size - 1 & FIFO - 1] = (byte) value; }

        int remove() {
            int value = first();
            first = first + 1 & FIFO - 1;
            size--;
            return value;
        }

        void clear() { size = 0; }

        void exchange(StateRecord state) {
            state.fill("bytes", bytes);
            first = state.exchange("first", first);
            size = state.exchange("size", size);
        }
    }
}
