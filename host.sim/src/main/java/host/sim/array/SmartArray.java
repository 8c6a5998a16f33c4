package host.sim.array;

import host.sim.bus.HardwareException;
import host.sim.bus.Model;
import host.sim.bus.Settings;
import host.sim.bus.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.PciId;
import vmkernel.api.host.HostFiles;

/**
 * A Smart Array controller with the simple transport of CISS [CISS] 2: a driver writes the address of a command to the command FIFO
 * and reads its tag from the reply FIFO. Any thread.
 *
 * <p>A register write only queues; {@link Workers} serve the commands, straight between files and the memory of the server, and
 * call the driver's interrupt handler when they have replies.
 */
public final class SmartArray implements Model, Workers.Work {
    private static final Logger LOG = LoggerFactory.getLogger(SmartArray.class);

    private static final int DOORBELL = 0x20, INTERRUPT_STATUS = 0x30, INTERRUPT_MASK = 0x34, COMMAND_FIFO = 0x40, REPLY_FIFO = 0x44, SCRATCHPAD = 0xB0, TABLE_BAR = 0xB4, TABLE_OFFSET = 0xB8;
    private static final int DOORBELL_CONFIGURE = 1, DOORBELL_RESET = 4, FIRMWARE_READY = 0xFFFF_0000, NONE = -1;
    private static final int REGISTER_BYTES = 4096, TABLE_AT = 0x400;

    /** Fields of the configuration table. */
    private static final int SUPPORTED = 0x08, ACTIVE = 0x0C, REQUEST = 0x10, DELAY = 0x18, MOST_COMMANDS = 0x20, BUS_TYPES = 0x24, SERVER_NAME = 0x2C, HEARTBEAT = 0x3C, HOST_DRIVER = 0x40,
        MOST_SEGMENTS = 0x44, MOST_PERFORMANT = 0x54, DRIVER_VERSION = 0x7C, TABLE_BYTES = 0x100;
    private static final int READY = 1, SIMPLE = 2, ULTRA3 = 2;
    /** Ranges of the table that the driver writes. */
    private static final int[][] HOST_WRITES = {{REQUEST, MOST_COMMANDS}, {SERVER_NAME, HEARTBEAT}, {HOST_DRIVER, MOST_SEGMENTS}, {DRIVER_VERSION, DRIVER_VERSION + 32}};

    private static final int UNITS = 32, THREADS = 8;
    private static final int COMMANDS = 512, FIFO_WORDS = 1024, SEGMENTS_OF_P400 = 544;
    private static final int ABORT = 0, RESET = 1, NOP = 3, RESET_TARGET = 3, RESET_UNIT = 4;
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100), HOLD_POLL_NANOS = 100_000;
    private static final long VOLUME_ADDRESS = 0x7FFF_FFFFL;

    private final Board board;
    private final Slot slot;
    private final Controller controller;
    private final LogicalVolume[] volumes, byNumber = new LogicalVolume[UNITS];
    private final Faults faults = new Faults();
    private final Workers workers;

    private final ByteBuffer table = ByteBuffer.allocate(TABLE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private volatile Fifo posted = new Fifo(FIFO_WORDS), replies = new Fifo(FIFO_WORDS);
    private volatile int mask;
    private volatile boolean simple, resetting;
    private volatile long frozenHeartbeat;
    private final AtomicBoolean complained = new AtomicBoolean();

    /**
     * As the hardware file says: {@code unit0.file} to {@code unit31.file} with {@code .size}, {@code .readonly}, {@code .shared} and {@code .direct};
     * {@code threads}. A unit that cannot be had is told and left out.
     *
     * @param home relative paths begin there
     * @param files for units past the page cache
     * @param complain is told in one line
     */
    public static SmartArray of(Board board, Settings settings, Slot slot, Path home, Supplier<Optional<HostFiles>> files, Consumer<String> complain) throws HardwareException {
        int threads = (int) settings.number("threads", THREADS, 1, 64);
        List<LogicalVolume> volumes = new ArrayList<>();
        for (int number = 0; number < UNITS; number++) {
            Settings unit = settings.under("unit" + number + ".");
            try {
                if (unit.has("file")) volumes.add(volume(board, number, unit, home, files));
            } catch (HardwareException e) {
                complain.accept(e.getMessage());
            }
        }
        return new SmartArray(board, volumes, threads, slot);
    }

    private static LogicalVolume volume(Board board, int number, Settings unit, Path home, Supplier<Optional<HostFiles>> files) throws HardwareException {
        long bytes = unit.bytes("size", 0);
        boolean readOnly = unit.flag("readonly", false), shared = unit.flag("shared", false), direct = unit.flag("direct", false);
        if (bytes % LogicalVolume.BLOCK_BYTES != 0) throw unit.wrong("size", "a multiple of " + LogicalVolume.BLOCK_BYTES + " bytes is needed");
        if (shared && direct) throw unit.wrong("direct", "a shared unit goes through the page cache, which all who share it have in common");
        try {
            Path path = home.resolve(unit.text("file"));
            return new LogicalVolume(number, board, serial(path.toString()), new VolumeFile(path, bytes, readOnly, shared, direct, files));
        } catch (IOException | InvalidPathException e) {
            throw unit.wrong("file", e.getMessage());
        }
    }

    /** The same for the same file at every start: 64 bits of a hash (FNV-1a). */
    private static String serial(String path) {
        long hash = 0xCBF2_9CE4_8422_2325L;
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) hash = (hash ^ b & 0xFF) * 0x100_0000_01B3L;
        return String.format("%016X", hash);
    }

    /** @param volumes closed with it @param threads that do I/O at the same time at most */
    SmartArray(Board board, List<LogicalVolume> volumes, int threads, Slot slot) {
        this.board = board;
        this.slot = slot;
        this.volumes = volumes.toArray(LogicalVolume[]::new);
        for (LogicalVolume volume : volumes) byNumber[volume.number()] = volume;
        controller = new Controller(board, this.volumes);
        workers = new Workers(board.product, threads, this);
        powerOn();
    }

    private void powerOn() {
        synchronized (table) {
            for (int i = 0; i < TABLE_BYTES; i++) table.put(i, (byte) 0);
            table.put(0, "CISS".getBytes(StandardCharsets.US_ASCII)).putInt(4, 1);
            table.putInt(SUPPORTED, READY | SIMPLE).putInt(ACTIVE, READY).putInt(MOST_COMMANDS, COMMANDS).putInt(BUS_TYPES, ULTRA3);
            table.putInt(MOST_SEGMENTS, board == Board.SMARTARRAYP400 ? SEGMENTS_OF_P400 : 0).putInt(MOST_PERFORMANT, COMMANDS);
        }
        simple = false;
        mask = board.interruptBit;
        posted = new Fifo(FIFO_WORDS);
        replies = new Fifo(FIFO_WORDS);
        faults.restart();
    }

    /** What goes wrong on purpose. */
    public Faults faults() { return faults; }

    @Override public PciId id() { return board.id(); }

    @Override
    public List<Window> windows() {
        Window registers = new Window(0, REGISTER_BYTES, false);
        return tableBar() == 0 ? List.of(registers) : List.of(registers, new Window(tableBar(), REGISTER_BYTES, false));
    }

    private int tableBar() { return (board.tableBar - 0x10) / 4; }

    @Override public int interruptPin() { return 1; }

    @Override public boolean interrupt() { return (mask & board.interruptBit) == 0 && pending(); }

    private boolean pending() { return !replies.isEmpty() && !faults.lockedUp(); }

    // registers

    @Override
    public long read(int bar, int offset, int bytes) {
        if (bar == tableBar() && offset >= TABLE_AT && offset < TABLE_AT + TABLE_BYTES) return readTable(offset - TABLE_AT, bytes);
        if (bar != 0) return ones(bytes);
        int register = offset & ~3;
        return (readRegister(register) & 0xFFFF_FFFFL) >>> 8 * (offset - register) & ones(bytes);
    }

    private static long ones(int bytes) { return bytes == 4 ? 0xFFFF_FFFFL : (1 << 8 * bytes) - 1; }

    private int readRegister(int register) {
        return switch (register) {
            case REPLY_FIFO -> faults.lockedUp() ? NONE : (int) replies.poll();
            case INTERRUPT_STATUS -> pending() ? board.interruptBit : 0;
            case INTERRUPT_MASK -> mask;
            case COMMAND_FIFO -> NONE;
            case SCRATCHPAD -> resetting ? 0 : FIRMWARE_READY;
            case TABLE_BAR -> board.tableBar;
            case TABLE_OFFSET -> TABLE_AT;
            default -> 0; // the doorbell too: what it asks for is done when the write is
        };
    }

    @Override
    public void write(int bar, int offset, int bytes, long value) {
        if (bar == tableBar() && offset >= TABLE_AT && offset < TABLE_AT + TABLE_BYTES) {
            writeTable(offset - TABLE_AT, bytes, value);
        } else if (bar == 0 && bytes == 4 && !resetting) {
            writeRegister(offset, (int) value);
        }
    }

    private void writeRegister(int register, int value) {
        switch (register) {
            case COMMAND_FIFO -> post(value);
            case INTERRUPT_MASK -> {
                mask = value;
                slot.interruptChanged();
            }
            case DOORBELL -> {
                if ((value & DOORBELL_CONFIGURE) != 0 && !faults.lockedUp()) configure();
                if ((value & DOORBELL_RESET) != 0) restart();
            }
            default -> { }
        }
    }

    private long readTable(int offset, int bytes) {
        synchronized (table) {
            table.putInt(HEARTBEAT, heartbeat());
            long value = 0;
            for (int i = 0; i < bytes && offset + i < TABLE_BYTES; i++) value |= (table.get(offset + i) & 0xFFL) << 8 * i;
            return value;
        }
    }

    private int heartbeat() {
        if (!faults.lockedUp()) frozenHeartbeat = System.nanoTime() / TICK_NANOS;
        return (int) frozenHeartbeat;
    }

    private void writeTable(int offset, int bytes, long value) {
        synchronized (table) {
            for (int[] range : HOST_WRITES) {
                for (int i = 0; i < bytes; i++) {
                    if (offset + i >= range[0] && offset + i < range[1]) table.put(offset + i, (byte) (value >>> 8 * i));
                }
            }
        }
    }

    /** The driver asks for what it wrote into the table [CISS] 9: a transport, and how long interrupts may be collected. */
    private void configure() {
        synchronized (table) {
            int active = table.getInt(REQUEST) & table.getInt(SUPPORTED) & SIMPLE;
            table.putInt(ACTIVE, READY | active);
            simple = active != 0;
        }
    }

    /** Reset by the doorbell: the firmware starts anew, and says so when it is done. */
    private void restart() {
        resetting = true;
        Thread thread = new Thread(this::finishRestart, board.product + " reset");
        thread.setDaemon(true);
        thread.start();
    }

    private synchronized void finishRestart() {
        if (resetting) reset(); // the bus may have been faster
    }

    /** Without a transport, or beyond what the queue holds, the write goes nowhere. */
    private void post(int address) {
        if (simple && posted.offer(address)) workers.posted();
        else complain("a command at " + Integer.toHexString(address) + " came " + (simple ? "while " + FIFO_WORDS + " are waiting" : "before a transport was chosen"));
    }

    /** Once until the next reset. */
    private void complain(String what) {
        if (complained.compareAndSet(false, true)) LOG.warn("{}: {}; the driver is at fault", board.product, what);
    }

    // work

    @Override public Command newCommand() { return new Command(slot.memory()); }

    @Override public long next() { return faults.lockedUp() ? -1 : posted.poll(); }

    @Override public int waiting() { return faults.lockedUp() ? 0 : posted.size(); }

    @Override public void report() { slot.interruptChanged(); }

    @Override
    public void serve(int word, Command command, Workers.Worker worker) {
        if (!command.fetch(word & 0xFFFF_FFFFL & ~3L)) {
            if (worker.current()) complain("there is no memory for a command at " + Integer.toHexString(word));
            return;
        }
        boolean answered = command.malformed() || execute(command, worker);
        if (answered && worker.current() && !replies.offer(command.finish())) complain("nobody reads the replies");
    }

    /** @return false if there is to be no answer */
    private boolean execute(Command command, Workers.Worker worker) {
        long lun = command.lun();
        if (command.type() == Command.TYPE_MESSAGE) {
            message(command);
        } else if (command.type() != Command.TYPE_COMMAND || command.cdbLength() == 0 || command.cdbLength() > 16) {
            command.fail(Command.INVALID);
        } else if (lun == 0) {
            controller.execute(command);
        } else {
            LogicalVolume volume = volume(lun);
            if (volume != null) return execute(volume, command, worker);
            command.check(Sense.NO_SUCH_UNIT);
        }
        return true;
    }

    private LogicalVolume volume(long lun) {
        long number = lun & ~LogicalVolume.MODE;
        boolean logical = (lun & 0xC000_0000L) == LogicalVolume.MODE && (number & ~VOLUME_ADDRESS) == 0;
        return logical && number < byNumber.length ? byNumber[(int) number] : null;
    }

    private boolean execute(LogicalVolume volume, Command command, Workers.Worker worker) {
        Faults.Fault fault = null;
        if (LogicalVolume.transfers(command.opcode())) {
            fault = faults.next();
            if ((faults.held() || faults.delayNanos() > 0) && !wait(command, worker)) return worker.current();
        }
        if (fault != null && fault != Faults.Fault.LOST) fail(command, fault);
        else if (LogicalVolume.slow(command)) worker.slowly(() -> volume.execute(command));
        else volume.execute(command);
        return fault != Faults.Fault.LOST;
    }

    private static void fail(Command command, Faults.Fault fault) {
        switch (fault) {
            case MEDIUM -> command.check(LogicalVolume.writes(command.opcode()) ? Sense.WRITE_ERROR : Sense.UNRECOVERED_READ);
            case HARDWARE -> command.fail(Command.HARDWARE_ERROR);
            default -> command.busy();
        }
    }

    /** Waits as long as the faults say. @return false if it was aborted, or all is over by a reset */
    private boolean wait(Command command, Workers.Worker worker) {
        long end = System.nanoTime() + faults.delayNanos();
        worker.tag = command.tag();
        worker.aborted = 0;
        worker.lun = command.lun();
        worker.slowly(() -> {
            while ((faults.held() || System.nanoTime() < end) && worker.aborted == 0 && worker.current()) LockSupport.parkNanos(this, HOLD_POLL_NANOS);
        });
        worker.lun = 0;
        if (worker.aborted != 0) command.fail(worker.aborted);
        return worker.aborted == 0 && worker.current();
    }

    /**
     * Messages [CISS] 3.5: what is under way and not yet at the medium can be aborted; the rest is done as fast as the file is.
     */
    private void message(Command command) {
        switch (command.cdb(0)) {
            case NOP -> { }
            case ABORT -> {
                if (abort(command.lun(), command.cdbTag(4), Command.ABORTED) == 0) command.fail(Command.ABORT_FAILED);
            }
            case RESET -> {
                boolean one = command.cdb(1) == RESET_TARGET || command.cdb(1) == RESET_UNIT;
                if (one && volume(command.lun()) == null) command.check(Sense.NO_SUCH_UNIT);
                else abort(one ? command.lun() : 0, 0, Command.UNSOLICITED_ABORT);
            }
            default -> command.fail(Command.INVALID);
        }
    }

    /** @param lun 0 for all @param tag 0 for all @return how many */
    private int abort(long lun, long tag, int status) {
        int count = 0;
        for (Workers.Worker worker : workers.atWork()) {
            if (worker.lun == 0 || lun != 0 && worker.lun != lun || tag != 0 && worker.tag != tag) continue;
            worker.aborted = status;
            count++;
        }
        return count;
    }

    /** How many are held, or slowed down, by {@link #faults}. */
    int heldCommands() { return (int) workers.atWork().stream().filter(worker -> worker.lun != 0).count(); }

    // power

    /** Threads that serve commands take no lock that is held here. */
    @Override
    public synchronized void reset() {
        workers.stop();
        for (LogicalVolume volume : volumes) volume.reset();
        powerOn();
        complained.set(false);
        resetting = false;
        workers.go();
    }

    @Override
    public synchronized void close() {
        workers.close();
        for (LogicalVolume volume : volumes) volume.close();
    }
}
