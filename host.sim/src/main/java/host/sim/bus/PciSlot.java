package host.sim.bus;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;

/** One slot of the board with its device: on one side the driver's view, on the other the model's. Any thread. */
final class PciSlot implements PciDevice, Slot {
    private static final Logger LOG = LoggerFactory.getLogger(PciSlot.class);
    private static final int BARS = 6, CONFIGURATION_BYTES = 256;
    private static final long HANDLER_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(2), HANDLER_POLL_NANOS = 50_000;

    private final PciAddress address;
    private final SystemMemory memory;
    private final BusThread thread;
    private final Mastering mastering = new Mastering();
    private final Model.Window[] windows = new Model.Window[BARS];
    private PciId id;
    private Configuration configuration;
    private InterruptLine line;
    /** Null before it is plugged in and after the power was cut. */
    private volatile Model model;
    private volatile InterruptHandler handler;
    /** The thread that is in the handler, if any. */
    private volatile Thread handling;
    private boolean complained;

    PciSlot(PciAddress address, SystemMemory memory, BusThread thread) {
        this.address = address;
        this.memory = memory;
        this.thread = thread;
    }

    /** Once, while the board is built. @param line null if the model has no interrupt pin */
    void plug(Model plugged, Configuration registers, InterruptLine wired) {
        id = plugged.id();
        configuration = registers;
        line = wired;
        for (Model.Window window : plugged.windows()) windows[window.bar()] = window;
        model = plugged;
    }

    /** Cuts the power: from now on it reads as all ones. */
    void unplug() {
        Model going = model;
        model = null;
        handler = null;
        if (going != null) going.close();
    }

    // the driver's side

    @Override public PciAddress address() { return address; }

    @Override public PciId id() { return id; }

    @Override
    public int readConfig(int offset, int bytes) {
        Model present = model;
        if (present == null || outside(offset, bytes, CONFIGURATION_BYTES)) return (int) ones(bytes);
        int value = configuration.read(offset, bytes);
        int at = Configuration.STATUS - offset; // where the status register's first byte is in what is read
        return at >= 0 && at < bytes && present.interrupt() ? value | Configuration.STATUS_INTERRUPT << 8 * at : value;
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) {
        if (model == null || outside(offset, bytes, CONFIGURATION_BYTES)) return;
        int[] depth = thread.depth();
        depth[0]++;
        try {
            configuration.write(offset, bytes, value);
            interruptChanged(); // it may have been enabled
        } finally {
            depth[0]--;
        }
    }

    @Override
    public int windowBytes(int bar) { return bar < 0 || bar >= BARS || windows[bar] == null ? 0 : windows[bar].bytes(); }

    @Override
    public long read(int bar, int offset, int bytes) {
        Model present = model;
        if (present == null || !decodes(bar, offset, bytes)) return ones(bytes);
        int[] depth = thread.depth();
        depth[0]++;
        try {
            return present.read(bar, offset, bytes);
        } finally {
            depth[0]--;
        }
    }

    @Override
    public void write(int bar, int offset, int bytes, long value) {
        Model present = model;
        if (present == null || !decodes(bar, offset, bytes)) return;
        int[] depth = thread.depth();
        depth[0]++;
        try {
            present.write(bar, offset, bytes, value & ones(bytes));
        } finally {
            depth[0]--;
        }
    }

    private boolean decodes(int bar, int offset, int bytes) {
        if (bar < 0 || bar >= BARS || windows[bar] == null || outside(offset, bytes, windows[bar].bytes())) return false;
        return (configuration.command() & (windows[bar].io() ? COMMAND_IO : COMMAND_MEMORY)) != 0;
    }

    private static boolean outside(int offset, int bytes, int size) {
        return offset < 0 || offset > size - bytes || bytes != 1 && bytes != 2 && bytes != 4;
    }

    private static long ones(int bytes) { return bytes == 1 ? 0xFF : bytes == 2 ? 0xFFFF : 0xFFFF_FFFFL; }

    @Override
    public DmaBuffer allocate(int bytes, int alignment) { return memory.allocate(bytes, alignment); }

    /** When it returns the handler before this one runs no more, unless this is called by it. */
    @Override
    public void onInterrupt(InterruptHandler next) {
        handler = next;
        awaitHandler();
        if (next == null) return;
        complained = false;
        int[] depth = thread.depth();
        depth[0]++;
        interruptChanged(); // it may be up already; served by the bus, as the driver is in the middle of something
        depth[0]--;
    }

    /** With a limit, as the handler may wait for a lock of this caller. */
    private void awaitHandler() {
        long start = System.nanoTime();
        for (Thread now = handling; now != null && now != Thread.currentThread(); now = handling) {
            if (System.nanoTime() - start > HANDLER_LIMIT_NANOS) {
                LOG.warn("{}: the interrupt handler before did not return within 2 s", address);
                return;
            }
            LockSupport.parkNanos(this, HANDLER_POLL_NANOS);
        }
    }

    @Override
    public void reset() {
        Model present = model;
        if (present == null) return;
        int[] depth = thread.depth();
        depth[0]++;
        try {
            present.reset();
            configuration.reset(); // after it, so that what was going on ends without a master abort
        } finally {
            depth[0]--;
        }
    }

    // the line's side

    /** Whether it holds its line up: a pin that nobody is there for is held back, as an operating system does. */
    boolean drivesLine() {
        Model present = model;
        return present != null && handler != null && (configuration.command() & COMMAND_INTERRUPT_DISABLE) == 0 && present.interrupt();
    }

    /** By the one thread that serves the line. @return whether the driver says that it was its device */
    boolean callHandler() {
        handling = Thread.currentThread();
        try {
            InterruptHandler now = handler;
            return now != null && now.interrupt();
        } catch (RuntimeException | LinkageError e) {
            if (!complained) LOG.error("{}: the driver's interrupt handler failed", address, e);
            complained = true;
            return false;
        } finally {
            handling = null;
        }
    }

    // the model's side

    @Override public BusMemory memory() { return mastering; }

    @Override
    public void interruptChanged() {
        InterruptLine wired = line;
        if (wired != null) wired.changed();
    }

    @Override public String toString() { return address.toString(); }

    /** Memory as this device may use it. */
    private final class Mastering implements BusMemory {
        private boolean allowed() { return configuration != null && (configuration.command() & COMMAND_MASTER) != 0 && model != null; }

        /** Nothing answered: the device notes a master abort. */
        private boolean noted(boolean done) {
            if (!done) configuration.status(Configuration.STATUS_MASTER_ABORT);
            return done;
        }

        @Override
        public boolean read(long at, byte[] to, int offset, int length) { return allowed() && noted(memory.read(at, to, offset, length)); }

        @Override
        public boolean write(long at, byte[] from, int offset, int length) { return allowed() && noted(memory.write(at, from, offset, length)); }

        @Override
        public int get(long at, int bytes) { return allowed() ? memory.get(at, bytes) : (int) ones(bytes); }

        @Override
        public boolean put(long at, int bytes, int value) { return allowed() && noted(memory.put(at, bytes, value)); }

        @Override
        public ByteBuffer slice(long at, int length) {
            if (!allowed()) return null;
            ByteBuffer slice = memory.slice(at, length);
            noted(slice != null);
            return slice;
        }
    }
}
