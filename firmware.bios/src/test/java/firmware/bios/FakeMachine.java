package firmware.bios;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import vmkernel.api.firmware.BootContext;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.vm.VmConfig;

/** A machine to be started: memory on arrays, and buses that remember what was written and in which order. */
final class FakeMachine implements BootContext {
    final FakeMemory memory;
    final FakeBus ports = new FakeBus(), mmio = new FakeBus();
    private final Map<String, String> values = new LinkedHashMap<>();
    private final Path folder;
    private int cpus = 1;

    /** Latches: what was written last is what is read; nothing else answers. */
    static final class FakeBus implements PortBus {
        record Write(long address, int bytes, long value) {}

        final List<Write> writes = new ArrayList<>();
        final Map<Long, Long> latches = new LinkedHashMap<>();

        @Override public long read(long address, int bytes) {
            long ones = bytes == 8 ? -1L : (1L << 8 * bytes) - 1;
            return latches.getOrDefault(address, ones) & ones;
        }

        @Override public void write(long address, int bytes, long value) {
            writes.add(new Write(address, bytes, value));
            latches.put(address, value);
        }

        /** All values that were written to an address, in order. */
        List<Long> to(long address) { return writes.stream().filter(write -> write.address == address).map(Write::value).toList(); }
    }

    FakeMachine(Path folder, int megabytes) {
        this.folder = folder;
        memory = new FakeMemory(megabytes);
    }

    FakeMachine with(String key, Object value) {
        values.put(key, value.toString());
        return this;
    }

    FakeMachine cpus(int count) {
        cpus = count;
        return this;
    }

    CpuState boot() throws BootException { return new PcBios().boot(this); }

    /** The message of the failure to start. */
    String failure() {
        try {
            boot();
        } catch (BootException e) {
            return e.getMessage();
        }
        throw new AssertionError("it started");
    }

    @Override public VmConfig config() { return new VmConfig(folder.resolve("test.vmx"), values); }
    @Override public GuestMemory memory() { return memory; }
    @Override public int cpus() { return cpus; }
    @Override public PortBus ports() { return ports; }
    @Override public PortBus mmio() { return mmio; }
}
