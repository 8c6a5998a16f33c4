package vmkernel.core.hardware;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.Driver;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.DriverProvider;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciHost;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.net.LinkState;

/** A host with devices, drivers and ports that note what is done to them. */
final class FakeHardware implements AutoCloseable {
    static final int INTEL = 0x8086, NIC = 0x1229;

    final List<String> log = new CopyOnWriteArrayList<>();
    final Map<String, Port> ports = new HashMap<>();
    final Devices devices;
    private long lastId;

    FakeHardware(Path home, String... local) {
        DeviceTable table = DeviceTable.of(home);
        table.add("local", List.of(local));
        devices = new Devices(table, new DeviceNames(home.resolve("devnames.conf")), (tag, name) -> ports.computeIfAbsent(name, Port::new));
    }

    @Override public void close() { devices.close(); }

    LoadedModule module(String name, String version, FakeProvider provider) { return new LoadedModule(provider, name, version, "test:" + name, 0, ++lastId); }

    /** One function in a slot. */
    final class Pci implements PciDevice {
        final PciAddress address;
        final PciId id;
        final List<Buffer> buffers = new ArrayList<>();
        InterruptHandler handler;
        int command = COMMAND_MASTER;
        int accesses;

        Pci(int slot, int vendor, int device, int classCode) {
            address = new PciAddress(2, slot, 0);
            id = new PciId(vendor, device, 0, 0, classCode, 8);
        }

        @Override public PciAddress address() { return address; }
        @Override public PciId id() { return id; }
        @Override public int readConfig(int offset, int bytes) { return offset == COMMAND ? command : 0; }
        @Override public void writeConfig(int offset, int bytes, int value) { if (offset == COMMAND) command = value; }
        @Override public int windowBytes(int bar) { return 4096; }

        @Override
        public long read(int bar, int offset, int bytes) {
            accesses++;
            return 0x12;
        }

        @Override public void write(int bar, int offset, int bytes, long value) { accesses++; }

        @Override
        public DmaBuffer allocate(int bytes, int alignment) {
            Buffer buffer = new Buffer(bytes);
            buffers.add(buffer);
            return buffer;
        }

        @Override public void onInterrupt(InterruptHandler next) { handler = next; }
        @Override public void reset() { log.add("reset " + address); }

        final class Buffer implements DmaBuffer {
            final int bytes;

            Buffer(int bytes) { this.bytes = bytes; }

            @Override public long address() { return 0; }
            @Override public long busAddress() { return 0; }
            @Override public int bytes() { return bytes; }
            @Override public void close() { if (!buffers.remove(this)) log.add("a buffer was given back twice"); }
        }
    }

    Pci nic(int slot) { return new Pci(slot, INTEL, NIC, 0x020000); }

    PciHost host(Pci... functions) {
        return new PciHost() {
            @Override public String name() { return "fake"; }
            @Override public List<PciDevice> devices() { return List.of(functions); }
        };
    }

    /** A module whose drivers do as the test says. */
    final class FakeProvider implements DriverProvider {
        final String name;
        final List<FakeDriver> drivers = new ArrayList<>();
        int device = NIC;
        Exception failing;
        boolean refusesState, late;
        Map<String, String> help = Map.of();

        FakeProvider(String name) { this.name = name; }

        @Override public Tag tag() { return Tag.VMNIC; }
        @Override public boolean matches(PciId id) { return id.device() == device; }
        @Override public Map<String, String> parameters() { return help; }

        @Override
        public Driver attach(PciDevice pci, Upcalls upcalls, Optional<SavedState> state) throws DriverException {
            if (failing instanceof DriverException e) throw e;
            if (failing instanceof RuntimeException e) throw e;
            if (refusesState && state.isPresent()) throw new IllegalArgumentException("state is too new");
            FakeDriver driver = new FakeDriver(this, pci, upcalls, state);
            drivers.add(driver);
            log.add(name + " attach " + state.map(SavedState::schema).orElse("cold"));
            return driver;
        }

        FakeDriver last() { return drivers.get(drivers.size() - 1); }
    }

    final class FakeDriver implements Driver {
        final FakeProvider provider;
        final PciDevice pci;
        final Upcalls upcalls;
        final DmaBuffer buffer;

        FakeDriver(FakeProvider provider, PciDevice pci, Upcalls upcalls, Optional<SavedState> state) {
            this.provider = provider;
            this.pci = pci;
            this.upcalls = upcalls;
            buffer = pci.allocate(64, 16);
            pci.allocate(32, 16);
            pci.onInterrupt(() -> true);
        }

        @Override
        public void quiesce(Duration limit) throws TimeoutException {
            log.add(provider.name + " quiesce");
            if (provider.late) throw new TimeoutException("still busy");
        }

        @Override public SavedState save() { return new SavedState(provider.name + "-state", 1, new byte[] {1}); }
        @Override public Map<String, Long> statistics() { return Map.of(); }
        @Override public void close() { log.add(provider.name + " close"); }
    }

    final class Port implements DevicePort {
        final String name;
        Driver driver;
        int received;

        Port(String name) { this.name = name; }

        @Override
        public void attached(Driver attached) {
            log.add(name + " attached");
            driver = attached;
        }

        @Override public void hold() { log.add(name + " hold"); }

        @Override
        public void detached() {
            log.add(name + " detached");
            driver = null;
        }

        @Override public void gone() { log.add(name + " gone"); }
        @Override public void received(List<byte[]> frames) { received++; }
        @Override public void transmitReady() {}
        @Override public void linkChanged(LinkState link) { log.add(name + " link " + link); }
        @Override public void unitsChanged() {}
    }
}
