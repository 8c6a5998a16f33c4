package host.sim.nic;

import host.sim.bus.HardwareException;
import host.sim.bus.Model;
import host.sim.bus.Settings;
import host.sim.bus.Slot;
import host.sim.net.Wire;
import host.sim.net.Wires;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.PciId;

/**
 * An Intel 82557, 82558 or 82559 Fast Ethernet controller with its EEPROM and PHY [8255x]. Registers are served on the thread that
 * comes; commands are accepted at once, and done by the chip's own thread, which also sends. Received frames are stored by the
 * thread that brings them. No lock is held while frames or interrupts leave the chip.
 */
public final class Intel8255x implements Model {
    private static final Logger LOG = LoggerFactory.getLogger(Intel8255x.class);
    private static final int STATUS = 0x00, ACK = 0x01, COMMAND = 0x02, INTERRUPTS = 0x03, POINTER = 0x04, PORT = 0x08, PORT_END = 0x0B, EEPROM = 0x0E,
            MDI = 0x10, MDI_END = 0x13, RX_COUNT = 0x14, EARLY_RX = 0x18, PMDR = 0x1B, GENERAL_CONTROL = 0x1C, GENERAL_STATUS = 0x1D, REGISTERS = 0x40;
    private static final int PORT_RESET = 0, PORT_SELF_TEST = 1, PORT_SELECTIVE_RESET = 2, PORT_DUMP = 3;
    private static final int MDI_READ = 2, MDI_WRITE = 1, MDI_READY = 0x10, MDI_INTERRUPT = 0x20; // the last two in the upper byte
    private static final int MEMORY_BAR = 0, IO_BAR = 1, FLASH_BAR = 2;
    private static final int BLOCKS_AT_ONCE = 32, FRAMES_AT_ONCE = 16, SPINS = 100;
    private static final long CIRCLE_PAUSE_NANOS = 1_000_000;

    private final Slot slot;
    private final NicSettings settings;
    private final Wire wire;
    private final Eeprom93c46 eeprom;
    private final Phy82555 phy;
    private final Counters counters = new Counters();
    private final SystemControlBlock scb;
    private final CommandUnit commandUnit;
    private final ReceiveUnit receiveUnit;

    private volatile int pointer, port, mdi; // as far as they are written
    private final byte[] plain = new byte[REGISTERS]; // registers that are there and do nothing
    private boolean mdiUnready;              // the next read finds the management interface at work

    private final Thread worker;
    private final AtomicBoolean parked = new AtomicBoolean();
    private volatile boolean closed;
    private volatile int failures;

    /** Powers the adapter up; a daemon thread starts. @param wire closed with the adapter */
    public Intel8255x(Slot slot, NicSettings settings, Wire wire) {
        this.slot = slot;
        this.settings = settings;
        this.wire = wire;
        eeprom = new Eeprom93c46(settings.address(), settings.chip().board);
        phy = new Phy82555(wire::up);
        scb = new SystemControlBlock(settings.chip() != NicSettings.Chip.I82557);
        commandUnit = new CommandUnit(settings.chip(), slot.memory(), scb, counters, Configuration.reset(eeprom.address()));
        receiveUnit = new ReceiveUnit(slot.memory(), scb, counters, commandUnit::configuration);
        worker = new Thread(this::work, settings.chip() + " " + settings.address());
        worker.setDaemon(true);
        worker.start();
        wire.sink(this::received);
    }

    /**
     * As the hardware file says: {@code model}, {@code mac}, and {@code net} with a text as in {@link Wires}, or none.
     *
     * @throws HardwareException if a line makes no sense or the wire cannot be had
     */
    public static Intel8255x of(Slot slot, Settings settings, Wires wires) throws HardwareException {
        NicSettings checked = NicSettings.of(settings);
        try {
            return new Intel8255x(slot, checked, wires.open(settings.text("net", "none")));
        } catch (IOException e) {
            throw settings.wrong("net", e.getMessage());
        }
    }

    // -- the bus --

    @Override public PciId id() { return settings.chip().id(); }

    @Override
    public List<Window> windows() {
        boolean first = settings.chip() == NicSettings.Chip.I82557;
        return List.of(new Window(MEMORY_BAR, 4096, false), new Window(IO_BAR, first ? 32 : REGISTERS, true), new Window(FLASH_BAR, first ? 1 << 20 : 128 << 10, false));
    }

    @Override public int interruptPin() { return 1; }

    @Override
    public long read(int bar, int offset, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) value |= (bar == FLASH_BAR ? 0xFFL : registerByte(offset + i)) << 8 * i; // the flash is not fitted
        return value;
    }

    @Override
    public void write(int bar, int offset, int bytes, long value) {
        if (bar == FLASH_BAR) return;
        for (int i = 0; i < bytes; i++) registerByte(offset + i, (int) (value >>> 8 * i) & 0xFF);
    }

    /** Reset of the bus. Nothing is under way when this returns. */
    @Override
    public void reset() {
        synchronized (this) {
            phy.reset();
            Arrays.fill(plain, (byte) 0);
            pointer = port = mdi = 0;
        }
        softwareReset();
    }

    @Override
    public void close() {
        closed = true;
        wire.close();
        reset();
        LockSupport.unpark(worker);
    }

    @Override public boolean interrupt() { return scb.interrupt(); }

    /** After what may have raised the interrupt pin. */
    private void tell() {
        if (scb.interrupt()) slot.interruptChanged();
    }

    // -- registers --

    private long registerByte(int at) {
        return switch (at) {
            case STATUS -> commandUnit.state() << 6 | receiveUnit.state() << 2;
            case ACK -> scb.causes();
            case COMMAND -> 0; // whatever was written has been accepted
            case INTERRUPTS -> scb.masks();
            case POINTER, POINTER + 1, POINTER + 2, POINTER + 3 -> pointer >>> 8 * (at - POINTER) & 0xFF;
            case RX_COUNT, RX_COUNT + 1 -> receiveUnit.bytesReceived() >>> 8 * (at - RX_COUNT) & 0xFF;
            default -> at < REGISTERS ? slowByte(at) : 0;
        };
    }

    private synchronized int slowByte(int at) {
        return switch (at) {
            case EEPROM -> eeprom.control();
            case MDI, MDI + 1, MDI + 2 -> mdi >>> 8 * (at - MDI) & 0xFF;
            case MDI_END -> mdiEnd();
            case GENERAL_STATUS -> (phy.link() ? 1 : 0) | (phy.megabits() == 100 ? 2 : 0) | (phy.full() ? 4 : 0);
            default -> plain[at] & 0xFF;
        };
    }

    /** A transaction takes 64 bits of a slow clock, so that who looks at once finds it not ready. */
    private int mdiEnd() {
        int value = mdi >>> 24 & ~MDI_READY | (mdiUnready ? 0 : MDI_READY);
        mdiUnready = false;
        return value;
    }

    private void registerByte(int at, int value) {
        switch (at) {
            case ACK -> scb.acknowledge(value);
            case COMMAND -> command(value);
            case INTERRUPTS -> scb.control(value);
            case POINTER, POINTER + 1, POINTER + 2, POINTER + 3 -> pointer = with(pointer, at - POINTER, value);
            default -> { if (at < REGISTERS) slowByte(at, value); }
        }
        if (at == INTERRUPTS || at == MDI_END) tell();
        if (at == PORT_END) port();
    }

    private static int with(int word, int index, int value) { return word & ~(0xFF << 8 * index) | value << 8 * index; }

    private synchronized void slowByte(int at, int value) {
        switch (at) {
            case PORT, PORT + 1, PORT + 2, PORT_END -> port = with(port, at - PORT, value);
            case EEPROM -> eeprom.control(value);
            case MDI, MDI + 1, MDI + 2 -> mdi = with(mdi, at - MDI, value);
            case MDI_END -> {
                mdi = with(mdi, at - MDI, value);
                management();
            }
            case PMDR -> plain[at] &= (byte) ~value; // events, written with ones to clear them
            case EARLY_RX, EARLY_RX + 1, EARLY_RX + 2, GENERAL_CONTROL -> plain[at] = (byte) value; // LIMIT: early receive and flow control do nothing
            default -> { } // status, reserved, or the flash that is not there
        }
    }

    private void command(int value) {
        if (value == 0) return;
        commandUnit.command(value >> 4, pointer);
        if ((value & 7) != 0) receiveUnit.command(value & 7, pointer);
        wake();
    }

    private void management() {
        int address = mdi >>> 21 & 0x1F, register = mdi >>> 16 & 0x1F, operation = mdi >>> 26 & 3;
        if (operation == MDI_READ) mdi = mdi & 0xFFFF_0000 | phy.read(address, register) & 0xFFFF;
        else if (operation == MDI_WRITE) phy.write(address, register, mdi & 0xFFFF);
        else return;
        mdiUnready = true;
        if ((mdi >>> 24 & MDI_INTERRUPT) != 0) scb.raise(SystemControlBlock.MDI);
    }

    private void port() {
        int address = port & ~0xF;
        switch (port & 0xF) {
            case PORT_RESET -> softwareReset();
            case PORT_SELF_TEST -> {
                softwareReset();
                commandUnit.selfTest(address);
            }
            case PORT_SELECTIVE_RESET -> {
                commandUnit.stop();
                receiveUnit.stop();
            }
            case PORT_DUMP -> commandUnit.portDump(address);
            default -> { }
        }
        wake();
    }

    /** As after power-up, with interrupts unmasked, but for the PHY, the EEPROM and its address. */
    private void softwareReset() {
        Configuration initial;
        synchronized (this) {
            initial = Configuration.reset(eeprom.address());
        }
        commandUnit.reset(initial);
        receiveUnit.reset();
        counters.clear();
        scb.reset();
    }

    // -- frames --

    private void received(List<byte[]> frames) {
        if (phy.attached()) store(frames);
    }

    /** A few at a time, so that the driver can make room in between. */
    private void store(List<byte[]> frames) {
        for (int i = 0; i < frames.size() && !closed; i += FRAMES_AT_ONCE) {
            receiveUnit.receive(frames, i, Math.min(i + FRAMES_AT_ONCE, frames.size()));
            tell();
        }
    }

    private void work() {
        while (!closed) {
            try {
                if (commandUnit.busy()) execute();
                else rest();
            } catch (RuntimeException e) {
                failures++;
                commandUnit.stop();
                LOG.error("{}: the command unit is stopped after a failure, perhaps of what is at the other end of the wire", worker.getName(), e);
            }
        }
    }

    /** Exceptions that the chip's thread has met. */
    int failures() { return failures; }

    private void execute() {
        List<byte[]> frames = new ArrayList<>(BLOCKS_AT_ONCE);
        commandUnit.run(BLOCKS_AT_ONCE, frames);
        if (commandUnit.configuration().loopback() || phy.loopback()) store(frames);
        else if (!frames.isEmpty() && phy.attached()) wire.send(frames);
        tell();
        if (commandUnit.circles()) LockSupport.parkNanos(CIRCLE_PAUSE_NANOS);
    }

    /** Looks for a moment, since doorbells come in bursts, and then sleeps until one rings. */
    private void rest() {
        for (int i = 0; i < SPINS; i++) {
            if (commandUnit.busy() || closed) return;
            Thread.onSpinWait();
        }
        parked.set(true);
        if (!commandUnit.busy() && !closed) LockSupport.park(this);
        parked.set(false);
    }

    private void wake() {
        if (parked.get() && parked.compareAndSet(true, false)) LockSupport.unpark(worker);
    }
}
