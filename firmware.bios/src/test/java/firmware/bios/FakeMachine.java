package firmware.bios;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

    /** Latches: what was written last is what is read; nothing else answers. CMOS and PCI configuration are behind their index ports. */
    static final class FakeBus implements PortBus {
        record Write(long address, int bytes, long value) {}

        final List<Write> writes = new ArrayList<>();
        final Map<Long, Long> latches = new LinkedHashMap<>();
        final byte[] cmos = new byte[128];
        /** PCI functions on bus 0, by slot * 8 + function. */
        final Map<Integer, FakeFunction> pci = new TreeMap<>();

        private FakeFunction selected() {
            long selected = latches.getOrDefault(0xCF8L, 0L);
            return selected >>> 16 == 0x8000 ? pci.get((int) selected >> 8 & 0xFF) : null;
        }

        private int register(long address) { return (int) (latches.getOrDefault(0xCF8L, 0L) & 0xFC | address & 3); }

        @Override public long read(long address, int bytes) {
            if (address == 0x71) return cmos[(int) (latches.get(0x70L) & 0x7F)] & 0xFF;
            if (address >> 2 == 0xCFC >> 2 && selected() != null) return selected().read(register(address), bytes);
            if (address >> 2 == 0xCFC >> 2) return (1L << 8 * bytes) - 1;
            long ones = bytes == 8 ? -1L : (1L << 8 * bytes) - 1;
            return latches.getOrDefault(address, ones) & ones;
        }

        @Override public void write(long address, int bytes, long value) {
            writes.add(new Write(address, bytes, value));
            if (address == 0x71) cmos[(int) (latches.get(0x70L) & 0x7F)] = (byte) value;
            if (address >> 2 == 0xCFC >> 2 && selected() != null) selected().write(register(address), bytes, value);
            latches.put(address, value);
        }

        /** All values that were written to an address, in order. */
        List<Long> to(long address) { return writes.stream().filter(write -> write.address == address).map(Write::value).toList(); }
    }

    /** A PCI function's configuration space; base address registers keep only the bits of their masks. */
    static final class FakeFunction {
        final byte[] space = new byte[256];
        private final Map<Integer, Long> masks = new TreeMap<>();

        FakeFunction(int vendor, int device, int headerType) {
            write(0, 2, vendor);
            write(2, 2, device);
            write(0x0E, 1, headerType);
        }

        /** @param bytes a power of two @param kind low bits: 1 for I/O, 0 for memory, 4 for 64-bit memory */
        FakeFunction bar(int register, long bytes, int kind) {
            masks.put(register, -bytes);
            space[register] = (byte) kind;
            return this;
        }

        FakeFunction pin(int pin) {
            space[0x3D] = (byte) pin;
            return this;
        }

        long read(int register, int bytes) {
            long value = 0;
            for (int i = bytes - 1; i >= 0; i--) value = value << 8 | space[register + i] & 0xFF;
            return value;
        }

        void write(int register, int bytes, long value) {
            if (register >= 0x10 && register <= 0x27) {
                long mask = masks.getOrDefault(register, 0L);
                value = value & mask | space[register] & ((mask & 8) != 0 ? 3 : 15) & ~mask;
            }
            for (int i = 0; i < bytes; i++) space[register + i] = (byte) (value >>> 8 * i);
        }
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
