package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.junit.After;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.BundleWiring;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.handover.SavedState;
import vmkernel.api.firmware.Firmware;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.proc.ProcTree;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmRegistry;
import vmkernel.api.world.WorldScheduler;

/** The shipped bundles in one framework: what one virtual machine does wrong stays with it. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class KernelIT {
    private static final int UPDATES = 20;
    /** A guest that works. */
    private static final String GOOD = "again:\n putc '.'\n jmp again";

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();
    private final Map<String, AtomicLong> printed = new ConcurrentHashMap<>();
    @Inject private BundleContext context;
    @Inject private VmRegistry registry;
    @Inject private ProcTree proc;

    @Configuration
    public Option[] configuration() throws IOException { return Bundles.shipped(Vmk.ROOT.resolve("integration-tests/target/kernel")); }

    @After
    public void noMachines() throws Exception {
        for (VirtualMachine machine : registry.machines()) {
            if (machine.state() != PowerState.OFF) machine.powerOff(PowerMode.HARD);
            registry.unregister(machine);
        }
    }

    private VirtualMachine machine(String name, String code, String... more) throws Exception {
        Path folder = temporary.newFolder().toPath();
        Map<String, String> keys = new LinkedHashMap<>(Map.of("displayName", name, "memsize", "4", "serial0.present", "TRUE", "boot.rom", Guest.rom(folder, code).toString()));
        for (String pair : more) keys.put(pair.split("=")[0], pair.split("=")[1]);
        VirtualMachine machine = registry.register(new VmConfig(folder.resolve(name + ".vmx"), keys));
        AtomicLong count = new AtomicLong();
        printed.put(name, count);
        machine.serial(0).attach((bytes, offset, length) -> count.addAndGet(length));
        return machine;
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); !condition.getAsBoolean(); TimeUnit.MILLISECONDS.sleep(10)) {
            assertTrue(what + " does not come", System.nanoTime() < deadline);
        }
    }

    /** A guest shows that it runs by what it prints. */
    private void assertRuns(VirtualMachine machine) throws InterruptedException {
        long before = printed.get(machine.name()).get();
        await("output of " + machine.name(), () -> printed.get(machine.name()).get() > before + 100);
    }

    @Test
    public void everyBundleIsActiveAndEveryPartIsThere() {
        List<String> down = Arrays.stream(context.getBundles()).filter(bundle -> bundle.getState() != Bundle.ACTIVE).map(Bundle::getSymbolicName).toList();
        assertEquals(List.of(Bundles.LIBRARY), down);
        for (Class<?> part : List.of(VmRegistry.class, ProcTree.class, WorldScheduler.class, Monitor.class, Firmware.class, VirtualDeviceProvider.class)) {
            assertNotNull(part.getName(), context.getServiceReference(part));
        }
    }

    @Test
    public void aLoopWithInterruptsOffCanBeStoppedWhileOthersRun() throws Exception {
        VirtualMachine bad = machine("bad", "mov cx, 200\n again:\n putc '.'\n loop again\n cli\n jmp $");
        VirtualMachine good = machine("good", GOOD);
        bad.powerOn();
        good.powerOn();
        await("output of bad", () -> printed.get("bad").get() == 200);
        assertRuns(good);
        long start = System.nanoTime();
        bad.powerOff(PowerMode.HARD);
        assertTrue("stopped at once", System.nanoTime() - start < TimeUnit.SECONDS.toNanos(5));
        assertEquals(PowerState.OFF, bad.state());
        assertRuns(good);
    }

    @Test
    public void aGuestThatHammersUnassignedPortsDisturbsNoOne() throws Exception {
        VirtualMachine bad = machine("bad", "mov cx, 200\n print:\n putc '.'\n loop print\n cli\n mov dx, 0x1000\n again:\n in eax, dx\n out dx, eax\n inc dx\n or dx, 0x1000\n jmp again");
        VirtualMachine good = machine("good", GOOD);
        bad.powerOn();
        good.powerOn();
        await("output of bad", () -> printed.get("bad").get() == 200);
        assertRuns(good);
        assertTrue(proc.read("sched/cpu").contains("vmm0:good"));
        bad.powerOff(PowerMode.HARD);
        assertEquals(PowerState.OFF, bad.state());
        assertRuns(good);
    }

    @Test
    public void aTripleFaultTurnsOffThatMachineOnly() throws Exception {
        VirtualMachine bad = machine("bad", "o32 lidt [cs:none]\n int3\n none: dd 0, 0");
        VirtualMachine good = machine("good", GOOD);
        good.powerOn();
        bad.powerOn();
        VirtualMachine.PowerOff off = bad.off().get(60, TimeUnit.SECONDS);
        assertTrue(off.failure(), off.failure().contains("triple fault"));
        assertRuns(good);
    }

    @Test
    public void anExceptionOfADeviceStopsThatMachineWithADump() throws Exception {
        VirtualDeviceProvider broken = new VirtualDeviceProvider() {
            @Override
            public Set<String> types() { return Set.of("broken"); }

            @Override
            public VirtualDevice create(String type, DeviceContext device, Optional<SavedState> state) {
                device.claimPorts(0x700, 1, new IoHandler() {
                    @Override
                    public long read(long offset, int bytes) { throw new IllegalStateException("a bug of this device"); }

                    @Override
                    public void write(long offset, int bytes, long value) { }
                });
                return new VirtualDevice() {
                    @Override
                    public void reset() { }

                    @Override
                    public SavedState save() { return SavedState.none("broken"); }
                };
            }
        };
        ServiceRegistration<?> registration = context.registerService(VirtualDeviceProvider.class, broken, null);
        try {
            VirtualMachine bad = machine("bad", "mov dx, 0x700\n in al, dx\n jmp $", "ethernet0.present=TRUE", "ethernet0.devName=vmnet_0", "ethernet0.virtualDev=broken");
            VirtualMachine good = machine("good", GOOD);
            good.powerOn();
            bad.powerOn();
            String failure = bad.off().get(60, TimeUnit.SECONDS).failure();
            assertTrue(failure, failure.contains("a bug of this device") && failure.contains("; dump: "));
            String dump = Files.readString(Path.of(failure.substring(failure.indexOf("; dump: ") + 8)));
            assertTrue(dump, dump.contains("a bug of this device") && dump.contains("virtual CPU"));
            assertEquals(PowerState.OFF, bad.state());
            assertRuns(good);
        } finally {
            registration.unregister();
        }
    }

    /** A guest that counts at its serial port; what it prints is the count modulo 256, without a gap and without a repetition. */
    private static final String COUNTING = """
            xor bx, bx
        again:
            mov dx, 0x3fd
        busy:
            in al, dx
            test al, 0x20
            jz busy
            mov dx, 0x3f8
            mov al, bl
            out dx, al
            inc bx
            jmp again
        """;

    /** Listens to {@link #COUNTING}. */
    private static final class Count {
        private final AtomicLong bytes = new AtomicLong();
        private volatile String trouble = "";
        private long last = System.nanoTime();
        private volatile long longestGap;

        /** On one thread. */
        void listen(byte[] data, int offset, int length) {
            long now = System.nanoTime();
            longestGap = Math.max(longestGap, now - last);
            last = now;
            for (int i = 0; i < length; i++) {
                int expected = (int) bytes.getAndIncrement() & 0xFF;
                if ((data[offset + i] & 0xFF) != expected) trouble = "byte " + (bytes.get() - 1) + " is " + (data[offset + i] & 0xFF);
            }
        }

        long takeLongestGap() {
            long gap = longestGap;
            longestGap = 0;
            return gap;
        }
    }

    private void assertCounts(VirtualMachine machine, Count count) throws InterruptedException {
        long before = count.bytes.get();
        await("output of " + machine.name() + " (" + machine.state() + " " + machine.reason() + ")", () -> count.bytes.get() > before + 1000);
        assertEquals("", count.trouble);
        assertEquals(PowerState.ON, machine.state());
    }

    private Bundle find(String name) {
        return Arrays.stream(context.getBundles()).filter(bundle -> bundle.getSymbolicName().equals(name)).findFirst().orElseThrow();
    }

    /** Updates a bundle again and again under a guest that counts. What the guest prints has gaps then, which are reported. */
    private void update(String name) throws Exception {
        Path dumps = Vmk.ROOT.resolve("integration-tests/target/kernel/var/dumps");
        int dumped = files(dumps);
        VirtualMachine machine = machine("counting", COUNTING);
        Count count = new Count();
        machine.serial(0).attach(count::listen);
        machine.powerOn();
        assertCounts(machine, count);
        Bundle bundle = find(name);
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        List<Long> gaps = new ArrayList<>();
        for (int i = 0; i < UPDATES; i++) {
            loaders.add(new WeakReference<>(bundle.adapt(BundleWiring.class).getClassLoader()));
            count.takeLongestGap();
            bundle.update();
            assertCounts(machine, count);
            gaps.add(count.takeLongestGap() / 1_000_000);
        }
        await("the end of the old class loaders of " + name, () -> {
            System.gc();
            return loaders.stream().allMatch(loader -> loader.get() == null);
        });
        assertCounts(machine, count);
        assertEquals("dumps", dumped, files(dumps));
        gaps.sort(null);
        System.out.println(name + ": longest gap in the guest's output in each of " + UPDATES + " updates: median " + gaps.get(UPDATES / 2) + " ms, most " + gaps.get(UPDATES - 1) + " ms");
    }

    /** Updates everything that a guest runs on, one after another, until it is done. @return what it printed */
    private String runUnderUpdates(String program, String append) throws Exception {
        VirtualMachine machine = registry.register(new VmConfig(temporary.newFolder().toPath().resolve(program + ".vmx"), Map.of("displayName", program, "memsize", "256",
            "serial0.present", "TRUE", "debugexit.present", "TRUE", "boot.append", append, "boot.multiboot", Vmk.ROOT.resolve("bench/target").resolve(program).toString())));
        StringBuffer printed = new StringBuffer();
        machine.serial(0).attach((bytes, offset, length) -> printed.append(new String(bytes, offset, length, StandardCharsets.ISO_8859_1)));
        machine.powerOn();
        int updates = 0;
        for (List<Bundle> bundles = List.of(find("monitor.x86"), find("devices.pc"), find("vmkernel.sched")); !machine.off().isDone(); updates++) {
            Duration before = machine.uptime(); // guest time
            bundles.get(updates % 3).update();
            await("progress of " + program, () -> machine.off().isDone() || machine.uptime().minus(before).toMillis() > 100);
        }
        machine.serial(0).flush();
        assertEquals(printed.toString(), null, machine.off().get().failure());
        System.out.println(program + " " + append + ": " + updates + " updates");
        registry.unregister(machine);
        return printed.toString();
    }

    @Test
    public void guestProgramsGiveTheirResultsWhileEverythingIsUpdated() throws Exception {
        GuestProgramsIT.build();
        String tested = runUnderUpdates("systest.elf", "strict");
        // a monitor that has just started is slow, and the guest behind with its ticks: they come all the same, but not in these 200 ms
        assertEquals(List.of(), tested.lines().filter(line -> line.contains("FAIL ") && !line.contains("pit.1-khz")).toList());
        assertTrue(tested, tested.contains("systest: "));
        for (String kernel : List.of("patched", "int80")) {
            String printed = runUnderUpdates("bench.elf", kernel);
            assertTrue(printed, printed.contains(kernel + " checksum=") && printed.contains(" ok"));
        }
    }

    private static int files(Path folder) throws IOException {
        if (!Files.exists(folder)) return 0;
        try (Stream<Path> files = Files.list(folder)) {
            return (int) files.count();
        }
    }

    @Test
    public void theMonitorIsUpdatedUnderARunningGuest() throws Exception { update("monitor.x86"); }

    /** The bundle's jar without its classes: no service comes of it. */
    private static InputStream broken(Bundle bundle) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JarInputStream in = new JarInputStream(new URL(bundle.getLocation()).openStream()); JarOutputStream out = new JarOutputStream(bytes, in.getManifest())) {
            for (JarEntry entry; (entry = in.getNextJarEntry()) != null; ) {
                if (entry.getName().endsWith(".class")) continue;
                out.putNextEntry(new JarEntry(entry.getName()));
                in.transferTo(out);
            }
        }
        return new ByteArrayInputStream(bytes.toByteArray());
    }

    @Test
    public void aGuestWaitsWhileAnUpdateHasFailed() throws Exception {
        VirtualMachine machine = machine("counting", COUNTING);
        Count count = new Count();
        machine.serial(0).attach(count::listen);
        machine.powerOn();
        for (String name : List.of("devices.pc", "monitor.x86")) {
            assertCounts(machine, count);
            find(name).update(broken(find(name)));
            assertEquals(PowerState.STUCK, machine.state());
            assertTrue(machine.reason(), machine.reason().startsWith("stunned: waiting for "));
            find(name).update();
        }
        assertCounts(machine, count);
    }

    @Test
    public void theDevicesAreUpdatedUnderARunningGuest() throws Exception { update("devices.pc"); }

    @Test
    public void theFirmwareIsUpdatedUnderARunningGuest() throws Exception { update("firmware.bios"); }

    @Test
    public void theServiceConsoleIsUpdatedUnderARunningGuest() throws Exception { update("console.services"); }

    @Test
    public void theSchedulerIsUpdatedUnderARunningGuest() throws Exception { update("vmkernel.sched"); }

    @Test
    public void aMachineWithoutAFileIsGoneWhenItIsUnregistered() throws Exception {
        VirtualMachine machine = machine("passing", "jmp $");
        registry.unregister(machine);
        assertFalse(registry.find("passing").isPresent());
    }
}
