package vmkernel.core.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.hardware.DeviceMap.Device;
import vmkernel.api.hardware.DeviceMap.State;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciHost;
import vmkernel.api.net.LinkState;
import vmkernel.core.hardware.FakeHardware.FakeProvider;
import vmkernel.core.hardware.FakeHardware.Pci;

final class DevicesTest {
    @TempDir Path home;
    private FakeHardware hardware;
    private FakeProvider e100;

    @BeforeEach
    void start() {
        hardware = new FakeHardware(home);
        e100 = hardware.new FakeProvider("e100");
    }

    @AfterEach
    void stop() { hardware.close(); }

    private Device device(String name) { return hardware.devices.find(name).orElseThrow(() -> new AssertionError(name + " is not there: " + hardware.devices.devices())); }

    /** Until something is so, which other threads make it. */
    private static void await(java.util.function.BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) throw new AssertionError("it did not happen");
            Thread.onSpinWait();
        }
    }

    @Test
    void aDriverAttachesWhicheverComesFirst() {
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        assertEquals(State.WAITING, device("002:04.0").state());
        assertEquals("module e100 is not loaded", device("2:4.0").reason());
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        assertEquals(State.ATTACHED, device("vmnic0").state());
        hardware.devices.bindHost(new PciHost() {
            @Override public String name() { return "second"; }
            @Override public List<vmkernel.api.hardware.PciDevice> devices() { return List.of(hardware.nic(9)); }
        });
        assertEquals(State.ATTACHED, device("vmnic1").state());
        assertEquals(List.of("vmnic0", "vmnic1"), hardware.devices.modules().get(0).devices());
    }

    @Test
    void aDeviceWithoutAModuleIsListedAsSuch() {
        hardware.devices.bindHost(hardware.host(hardware.new Pci(1, 0x1234, 0x5678, 0x030000)));
        Device device = hardware.devices.devices().get(0);
        assertEquals(State.NO_DRIVER, device.state());
        assertEquals("VGA compatible controller", device.description());
        assertEquals("no module serves 1234:5678", device.reason());
    }

    @Test
    void aModuleThatMatchesServesWhatNoTableKnows() {
        FakeProvider other = hardware.new FakeProvider("other");
        other.device = 0x5678;
        hardware.devices.bindHost(hardware.host(hardware.new Pci(1, 0x1234, 0x5678, 0x020000)));
        hardware.devices.add(hardware.module("other", "1.0.0", other));
        assertEquals(State.ATTACHED, device("vmnic0").state());
    }

    @Test
    void aSuccessorGetsTheStateAndTheDeviceIsNotReset() {
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        hardware.log.clear();
        FakeProvider next = hardware.new FakeProvider("next");
        hardware.devices.remove(e100);
        assertEquals(State.WAITING, device("vmnic0").state());
        hardware.devices.add(hardware.module("e100", "1.1.0", next));
        assertEquals(List.of("vmnic0 hold", "e100 quiesce", "e100 close", "vmnic0 detached", "next attach e100-state", "vmnic0 attached"), hardware.log);
    }

    @Test
    void aDriverThatDoesNotStopIsClosedAndItsSuccessorStartsCold() {
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        e100.late = true;
        hardware.log.clear();
        hardware.devices.remove(e100);
        FakeProvider next = hardware.new FakeProvider("next");
        hardware.devices.add(hardware.module("e100", "1.1.0", next));
        assertEquals(List.of("vmnic0 hold", "e100 quiesce", "e100 close", "reset 002:04.0", "vmnic0 detached", "reset 002:04.0", "next attach cold", "vmnic0 attached"), hardware.log);
    }

    @Test
    void aSuccessorThatRefusesTheStateStartsCold() {
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        hardware.devices.remove(e100);
        FakeProvider next = hardware.new FakeProvider("next");
        next.refusesState = true;
        hardware.devices.add(hardware.module("e100", "1.1.0", next));
        assertEquals(State.ATTACHED, device("vmnic0").state());
        assertTrue(hardware.log.contains("next attach cold"));
    }

    @Test
    void aModuleThatCannotAttachIsToldAndTheNextOneIsTried() {
        Pci nic = hardware.nic(4);
        hardware.devices.bindHost(hardware.host(nic));
        for (Exception failure : List.of(new DriverException("no EEPROM"), new IllegalStateException("bug\nwith a second line"))) {
            FakeProvider bad = hardware.new FakeProvider("bad");
            bad.failing = failure;
            hardware.devices.add(hardware.module("e100", "1.0.0", bad));
            assertEquals(State.FAILED, device("vmnic0").state());
            assertFalse(device("vmnic0").reason().contains("\n"), device("vmnic0").reason());
            assertTrue(nic.buffers.isEmpty());
            assertNull(nic.handler);
            hardware.devices.remove(bad);
            assertEquals(State.WAITING, device("vmnic0").state());
        }
        hardware.devices.add(hardware.module("e100", "1.0.1", e100));
        assertEquals(State.ATTACHED, device("vmnic0").state());
        assertEquals("", device("vmnic0").reason());
    }

    @Test
    void nothingOfADriverReachesTheHardwareOrTheKernelAfterItsEnd() throws Exception {
        Pci nic = hardware.nic(4);
        hardware.devices.bindHost(hardware.host(nic));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        var driver = e100.last();
        assertEquals(2, nic.buffers.size());
        driver.buffer.close();
        assertEquals(1, nic.buffers.size());
        AtomicInteger ran = new AtomicInteger();
        CountDownLatch first = new CountDownLatch(1);
        driver.upcalls.execute(first::countDown);
        assertTrue(first.await(20, TimeUnit.SECONDS));
        driver.upcalls.after(1, ran::incrementAndGet);
        await(() -> ran.get() == 1);
        driver.upcalls.after(100_000, ran::incrementAndGet);
        hardware.devices.remove(e100);
        assertTrue(nic.buffers.isEmpty());
        assertNull(nic.handler);
        assertEquals(0, nic.command & 4, "bus mastering is off");
        assertEquals(0xFFFF_FFFFL, driver.pci.read(0, 0, 4));
        assertEquals(0xFF, driver.pci.readConfig(0, 1));
        driver.pci.write(0, 0, 4, 1);
        assertEquals(0, nic.accesses);
        driver.upcalls.received(List.of(new byte[64]));
        driver.upcalls.linkChanged(LinkState.DOWN);
        driver.upcalls.execute(ran::incrementAndGet);
        assertThrows(IllegalStateException.class, () -> driver.pci.allocate(16, 16));
        driver.buffer.close();
        assertEquals(0, hardware.ports.get("vmnic0").received);
        assertFalse(hardware.log.toString().contains("twice") || hardware.log.toString().contains("link"));
    }

    @Test
    void aLockupResetsTheDeviceAndTooManyEndIt() {
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        for (int i = 1; i < 5; i++) {
            e100.last().upcalls.failed("the command unit hangs");
            int wanted = i + 1;
            await(() -> e100.drivers.size() == wanted && hardware.ports.get("vmnic0").driver == e100.last());
        }
        hardware.log.clear();
        e100.last().upcalls.failed("the command unit hangs");
        await(() -> device("vmnic0").state() == State.FAILED);
        assertEquals(List.of("vmnic0 hold", "e100 close", "reset 002:04.0", "vmnic0 detached", "vmnic0 gone"), hardware.log);
    }

    @Test
    void anInterruptHandlerThatThrowsIsALockup() {
        Pci nic = hardware.nic(4);
        hardware.devices.bindHost(hardware.host(nic));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        e100.last().pci.onInterrupt(() -> { throw new IllegalStateException("bug"); });
        assertFalse(nic.handler.interrupt());
        await(() -> e100.drivers.size() == 2);
    }

    @Test
    void afterAWhileWithoutADriverThePortIsGoneAndALaterDriverBringsItBack() {
        hardware.devices.patienceMillis(1);
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        hardware.devices.remove(e100);
        await(() -> hardware.log.contains("vmnic0 gone"));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        assertNotNull(hardware.ports.get("vmnic0").driver);
        assertTrue(hardware.log.get(hardware.log.size() - 2).endsWith("cold"));
    }

    @Test
    void namesAreKeptWhateverIsAddedOrRemoved() throws Exception {
        hardware.devices.bindHost(hardware.host(hardware.nic(4), hardware.nic(5)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        assertEquals(List.of("002:04.0 nic vmnic0", "002:05.0 nic vmnic1"), Files.readAllLines(home.resolve("devnames.conf")));
        hardware.close();
        hardware = new FakeHardware(home);
        hardware.devices.bindHost(hardware.host(hardware.nic(5), hardware.nic(2)));
        hardware.devices.add(hardware.module("e100", "1.0.0", hardware.new FakeProvider("e100")));
        assertEquals("vmnic1", device("2:5.0").name());
        assertEquals("vmnic2", device("2:2.0").name());
    }

    @Test
    void parametersAreCheckedAndTakeEffectAtOnce() {
        e100.help = Map.of("debug", "0 to 16");
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        IllegalArgumentException wrong = assertThrows(IllegalArgumentException.class, () -> hardware.devices.configure("e100", Map.of("speed", "9")));
        assertEquals("module e100 has no parameter \"speed\"; it has debug", wrong.getMessage());
        hardware.devices.configure("e100", Map.of("debug", "5"));
        assertEquals(2, e100.drivers.size());
        assertEquals(Map.of("debug", "5"), e100.last().upcalls.parameters());
    }

    @Test
    void hardwareThatGoesTakesItsDriversAndComesBack() {
        PciHost host = hardware.host(hardware.nic(4));
        hardware.devices.bindHost(host);
        hardware.devices.add(hardware.module("e100", "1.0.0", e100));
        hardware.devices.unbindHost(host);
        assertTrue(hardware.devices.devices().isEmpty());
        assertTrue(hardware.log.contains("e100 close"));
        hardware.devices.bindHost(hardware.host(hardware.nic(4)));
        assertEquals(State.ATTACHED, device("vmnic0").state());
    }

    @Test
    void linesOfTheLocalTableWinAndBadOnesHarmNothing() {
        FakeHardware other = new FakeHardware(home, "device,0x8086,0x1229,vmnic,Intel, with a comma,mine.o", "device,0x8086,nonsense,vmnic,x,y.o", "device,1,2,vmfoo,x,y.o", "vendor,0x8086,Intel", "# text");
        other.devices.bindHost(other.host(other.nic(4)));
        assertEquals("Intel, with a comma", other.devices.devices().get(0).description());
        assertEquals("mine", other.devices.devices().get(0).module());
        other.devices.add(other.module("e100", "1.0.0", other.new FakeProvider("e100")));
        assertEquals(State.WAITING, other.devices.devices().get(0).state());
        other.close();
    }
}
