package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import vmkernel.api.device.BackdoorHandler;
import vmkernel.api.device.ByteStream;
import vmkernel.api.device.CpuPins;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.InterruptSink;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;
import vmkernel.core.vmx.Hardware;

/** The kernel's side of one device of a running VM: everything that it claimed, so that all of it vanishes with the device. */
final class AttachedDevice implements DeviceContext {
    private final PoweredMachine machine;
    private final Hardware.Device description;
    private final VirtualDeviceProvider provider;
    private final List<GuestTimers.Timer> timers = new ArrayList<>();
    private final List<SerialStream> streams = new ArrayList<>();
    private VirtualDevice device;
    /** Changed under the device lock. */
    private volatile boolean closed;

    AttachedDevice(PoweredMachine machine, Hardware.Device description, VirtualDeviceProvider provider) {
        this.machine = machine;
        this.description = description;
        this.provider = provider;
    }

    VirtualDevice device() { return device; }

    void device(VirtualDevice device) { this.device = device; }

    Hardware.Device description() { return description; }

    VirtualDeviceProvider provider() { return provider; }

    /** An exception that came out of the device: the end of its VM. */
    void broken(String doing, Throwable e) { machine.broken("device " + description.type() + " (" + description.prefix() + ") " + doing, e); }

    private void use() {
        if (closed) throw new IllegalStateException("device " + description.prefix() + " is detached");
    }

    /** Takes everything away from the device. Under the device lock. */
    void detach() {
        if (closed) return;
        closed = true;
        try {
            if (device != null) device.close();
        } catch (Throwable e) {
            machine.warn("device " + description.prefix() + " failed while closing", e);
        }
        machine.ports().release(this, 0, 65536);
        machine.mmio().release(this, 0, Long.MAX_VALUE);
        timers.forEach(GuestTimers.Timer::close);
        streams.forEach(stream -> stream.listener(null, null));
        machine.interrupts().detach(this);
        machine.pci().release(this);
        machine.peripherals().detach(description.prefix());
    }

    /** It has the state of a device that went: what came for it meanwhile is told. Under the device lock. */
    void resume() { streams.forEach(SerialStream::tellAgain); }

    @Override public VmConfig config() { return machine.config(); }

    @Override public String prefix() { return description.prefix(); }

    @Override
    public void claimPorts(int first, int count, IoHandler handler) {
        use();
        machine.ports().claim(this, first, count, handler);
    }

    @Override public void releasePorts(int first, int count) { machine.ports().release(this, first, count); }

    @Override
    public void claimMemory(long address, long bytes, IoHandler handler) {
        use();
        machine.mmio().claim(this, address, bytes, handler);
    }

    @Override public void releaseMemory(long address, long bytes) { machine.mmio().release(this, address, bytes); }

    @Override
    public InterruptLine interrupt(int line) {
        use();
        return machine.interrupts().line(this, line);
    }

    @Override
    public int claimPci(int slot, int function, PciHandler handler) {
        use();
        return machine.pci().claim(this, slot, function, handler);
    }

    @Override public PciHandler pci(int slot, int function) { return machine.pci().at(slot, function); }

    @Override public Map<Integer, VirtualDisk> disks() { return machine.peripherals().disks(description.prefix()); }

    @Override public SwitchPort network() { return machine.peripherals().network(description.prefix()); }

    @Override
    public void serveInterrupts(InterruptSink sink) {
        use();
        machine.interrupts().serve(this, sink);
    }

    @Override
    public void serveBackdoor(BackdoorHandler handler) {
        use();
        machine.interrupts().serve(this, handler);
    }

    @Override public CpuPins cpus() { return machine.pins(); }

    @Override public GuestMemory memory() { return machine.memory(); }

    @Override public GuestClock clock() { return machine.clock(); }

    @Override
    public GuestTimer timer(Runnable callback) {
        use();
        GuestTimers.Timer timer = machine.clock().timer(callback, this::broken);
        timers.add(timer);
        return timer;
    }

    @Override
    public ByteStream stream(String name) {
        use();
        SerialStream stream = machine.stream(name);
        streams.add(stream);
        return new ByteStream() {
            @Override public boolean write(int value) { return stream.write(value); }
            @Override public int read() { return stream.read(); }
            @Override public boolean available() { return stream.available(); }

            @Override
            public void listener(Runnable readable, Runnable writable) {
                if (!closed) stream.listener(guarded("that has input", readable), guarded("that has room for output", writable));
            }
        };
    }

    /** The task, which breaks only this device's VM. */
    private Runnable guarded(String doing, Runnable task) {
        if (task == null) return null;
        return () -> {
            if (closed) return;
            try {
                task.run();
            } catch (Throwable e) {
                broken(doing, e);
            }
        };
    }

    @Override public void execute(Runnable task) { if (!closed) machine.execute(guarded("in a task", task)); }

    @Override public void powerOff() { machine.request(PowerRequest.off()); }

    @Override public void reset() { machine.request(PowerRequest.reset()); }

    @Override public void debugExit(long value) { machine.request(PowerRequest.debugExit(value)); }

    @Override public void misuse(String what) { machine.misuse(description.prefix() + ": " + what); }
}
