package vmkernel.core.hardware;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.Driver;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.net.LinkState;

/**
 * One driver on one device, and everything that it was given: its registers, DMA memory, interrupt and timers end with it, so that
 * code that lives on by mistake reaches nothing.
 */
final class Attachment implements PciDevice, Upcalls {
    private final HostDevice device;
    private final PciDevice pci;
    private final DevicePort port;
    private final Map<String, String> parameters;
    private final Turns turns;
    private final ScheduledExecutorService clock;
    /** Guarded by itself. */
    private final List<DmaBuffer> buffers = new ArrayList<>();
    /** Guarded by itself. */
    private final Set<Alarm> alarms = new HashSet<>();
    private volatile boolean closed;
    private volatile Driver driver;

    Attachment(HostDevice device, PciDevice pci, DevicePort port, Map<String, String> parameters, Executor threads, ScheduledExecutorService clock) {
        this.device = device;
        this.pci = pci;
        this.port = port;
        this.parameters = Map.copyOf(parameters);
        this.clock = clock;
        turns = new Turns(threads, this::broken);
    }

    Driver driver() { return driver; }

    void driver(Driver attached) { driver = attached; }

    /** Takes everything away. The driver was closed, or never came to be. */
    void close() {
        closed = true;
        driver = null;
        pci.onInterrupt(null);
        pci.writeConfig(COMMAND, 2, pci.readConfig(COMMAND, 2) & ~COMMAND_MASTER);
        synchronized (alarms) {
            alarms.forEach(alarm -> alarm.due.cancel(false));
            alarms.clear();
        }
        synchronized (buffers) {
            buffers.forEach(DmaBuffer::close);
            buffers.clear();
        }
    }

    private void broken(Throwable e) { if (!closed) failed("the driver failed: " + e); }

    // The device.

    @Override public PciAddress address() { return pci.address(); }
    @Override public PciId id() { return pci.id(); }
    @Override public int readConfig(int offset, int bytes) { return closed ? -1 >>> 32 - 8 * bytes : pci.readConfig(offset, bytes); }
    @Override public void writeConfig(int offset, int bytes, int value) { if (!closed) pci.writeConfig(offset, bytes, value); }
    @Override public int windowBytes(int bar) { return pci.windowBytes(bar); }
    @Override public long read(int bar, int offset, int bytes) { return closed ? -1L >>> 64 - 8 * bytes : pci.read(bar, offset, bytes); }
    @Override public void write(int bar, int offset, int bytes, long value) { if (!closed) pci.write(bar, offset, bytes, value); }
    @Override public void reset() { if (!closed) pci.reset(); }

    @Override
    public DmaBuffer allocate(int bytes, int alignment) {
        synchronized (buffers) {
            if (closed) throw new IllegalStateException(pci.address() + ": the driver is detached");
            DmaBuffer buffer = pci.allocate(bytes, alignment);
            buffers.add(buffer);
            return new Owned(buffer);
        }
    }

    @Override
    public void onInterrupt(InterruptHandler handler) {
        if (closed) return;
        pci.onInterrupt(handler == null ? null : () -> {
            try {
                return handler.interrupt();
            } catch (Throwable e) {
                broken(e);
                return false;
            }
        });
    }

    /** A buffer that is given back once, by the driver or with everything else. */
    private final class Owned implements DmaBuffer {
        private final DmaBuffer buffer;

        Owned(DmaBuffer buffer) { this.buffer = buffer; }

        @Override public long address() { return buffer.address(); }
        @Override public long busAddress() { return buffer.busAddress(); }
        @Override public int bytes() { return buffer.bytes(); }

        @Override
        public void close() {
            synchronized (buffers) {
                if (buffers.remove(buffer)) buffer.close();
            }
        }
    }

    // The kernel.

    @Override public Map<String, String> parameters() { return parameters; }

    @Override
    public void execute(Runnable task) {
        turns.execute(() -> { if (!closed) task.run(); });
    }

    @Override
    public Runnable after(long millis, Runnable task) {
        if (closed) return () -> {};
        Alarm alarm = new Alarm(task);
        synchronized (alarms) {
            alarms.add(alarm);
            alarm.due = clock.schedule(alarm, millis, TimeUnit.MILLISECONDS);
        }
        return alarm::cancel;
    }

    /** A task that waits for its time, and is forgotten with the driver. */
    private final class Alarm implements Runnable {
        private final Runnable task;
        private Future<?> due;

        Alarm(Runnable task) { this.task = task; }

        @Override
        public void run() {
            synchronized (alarms) {
                if (!alarms.remove(this)) return;
            }
            execute(task);
        }

        void cancel() {
            synchronized (alarms) {
                if (alarms.remove(this)) due.cancel(false);
            }
        }
    }

    @Override public void failed(String why) { if (!closed) device.failed(this, why); }
    @Override public void received(List<byte[]> frames) { if (!closed) port.received(frames); }
    @Override public void transmitReady() { if (!closed) port.transmitReady(); }
    @Override public void linkChanged(LinkState link) { if (!closed) port.linkChanged(link); }
    @Override public void unitsChanged() { if (!closed) port.unitsChanged(); }
}
