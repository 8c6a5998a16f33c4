package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;

@Timeout(60)
class RegistryTest {
    @TempDir
    Path home;
    private FakePc pc;

    @BeforeEach
    void start() { pc = new FakePc(home); }

    @AfterEach
    void stop() { pc.close(); }

    private Path vmx(String file, String text) throws Exception { return Files.writeString(home.resolve(file), text); }

    private Path list() { return home.resolve("var/vm-list"); }

    private static String message(org.junit.jupiter.api.function.Executable body) {
        String message = assertThrows(VmException.class, body).getMessage();
        assertFalse(message.contains("\n"), message);
        return message;
    }

    @Test
    void registrationsAreKeptInTheListOverRestarts() throws Exception {
        Path web = vmx("web.vmx", "displayName = \"web server\"\nmemsize = \"8\"\n");
        Path db = vmx("db.vmx", "memsize = \"8\"\n");
        VirtualMachine first = pc.registry.register(web);
        pc.registry.register(db);
        pc.registry.register(new VmConfig(home.resolve("one-shot.vmx"), Map.of("memsize", "4")));
        assertEquals("config \"" + web + "\"\nconfig \"" + db + "\"\n", Files.readString(list()));
        assertEquals("web server", first.name());
        pc.close();
        pc = new FakePc(home);
        assertEquals(List.of("web server", "db"), pc.registry.machines().stream().map(VirtualMachine::name).toList());
        pc.registry.unregister(pc.registry.find("db").orElseThrow());
        assertEquals("config \"" + web + "\"\n", Files.readString(list()));
        assertTrue(Files.exists(db));
    }

    @Test
    void aBrokenFileInTheListStaysThereAndHurtsNobody() throws Exception {
        Path bad = vmx("bad.vmx", "memsize 8");
        Path good = vmx("good.vmx", "memsize = \"8\"");
        Files.createDirectories(list().getParent());
        String text = "# our machines\nconfig \"" + bad + "\"\nconfig \"" + home.resolve("missing.vmx") + "\"\nconfig \"" + good + "\"\nrubbish\n";
        Files.writeString(list(), text);
        pc.close();
        pc = new FakePc(home);
        assertEquals(1, pc.registry.machines().size());
        Path more = vmx("more.vmx", "memsize = \"8\"");
        pc.registry.register(more);
        assertEquals(text + "config \"" + more + "\"\n", Files.readString(list()));
        vmx("bad.vmx", "memsize = \"8\"");
        pc.registry.register(bad);
        assertEquals(text + "config \"" + more + "\"\n", Files.readString(list()));
    }

    @Test
    void whatCannotBeRegisteredIsNamedAndNothingIsRegistered() throws Exception {
        assertEquals(home + "/none.vmx: no such file", message(() -> pc.registry.register(home.resolve("none.vmx"))));
        Path bad = vmx("bad.vmx", "memsize = \"8\"\nnonsense\n");
        assertEquals(bad + ":2: key = \"value\" is needed: nonsense", message(() -> pc.registry.register(bad)));
        Path odd = vmx("odd.vmx", "memsize = \"6\"\n");
        assertEquals(odd + ": memsize = \"6\": a multiple of 4 MB is needed", message(() -> pc.registry.register(odd)));
        Path smp = vmx("smp.vmx", "numvcpus = \"4\"\n");
        assertEquals(smp + ": numvcpus = \"4\": a virtual machine has one CPU in this release", message(() -> pc.registry.register(smp)));
        assertEquals(List.of(), pc.registry.machines());
        assertFalse(Files.exists(list()));
    }

    @Test
    void aNameOrFileIsRegisteredOnce() throws Exception {
        Path web = vmx("web.vmx", "displayName = \"web\"\n");
        pc.registry.register(web);
        assertEquals(web + ": is registered already", message(() -> pc.registry.register(home.resolve("x/../web.vmx"))));
        Path copy = vmx("copy.vmx", "displayName = \"web\"\n");
        assertEquals(copy + ": displayName \"web\" is used already by " + web, message(() -> pc.registry.register(copy)));
        assertEquals(1, pc.registry.machines().size());
        VirtualMachine other = pc.registry.register(vmx("other.vmx", ""));
        assertTrue(message(() -> other.configure("displayName", "web")).endsWith("displayName \"web\" is used already by " + web));
        assertEquals("other", other.name());
        assertEquals("", Files.readString(home.resolve("other.vmx")));
    }

    @Test
    void aListThatCannotBeWrittenRegistersNothing() throws Exception {
        Files.createDirectories(list());
        Path web = vmx("web.vmx", "memsize = \"8\"\n");
        assertTrue(message(() -> pc.registry.register(web)).startsWith(list() + ": cannot be written"));
        assertEquals(List.of(), pc.registry.machines());
    }

    @Test
    void registrationsOfSeveralKernelsDoNotLoseEachOther() throws Exception {
        FakePc other = new FakePc(home);
        try {
            for (int i = 0; i < 10; i++) {
                pc.registry.register(vmx("a" + i + ".vmx", "memsize = \"8\"\n"));
                other.registry.register(vmx("b" + i + ".vmx", "memsize = \"8\"\n"));
            }
            pc.registry.unregister(pc.registry.find("a0").orElseThrow());
            assertEquals(19, Files.readAllLines(list()).size());
        } finally {
            other.close();
        }
    }

    @Test
    void machinesAreFoundByNameIdAndPath() throws Exception {
        Path web = vmx("web.vmx", "displayName = \"web\"\nmemsize = \"8\"\n");
        VirtualMachine vm = pc.registry.register(web);
        assertSame(vm, pc.registry.find("web").orElseThrow());
        assertSame(vm, pc.registry.find(web.toString()).orElseThrow());
        assertEquals(Optional.empty(), pc.registry.find("-1"));
        assertEquals(Optional.empty(), pc.registry.find("\0"));
        vm.powerOn();
        assertSame(vm, pc.registry.find(String.valueOf(vm.id())).orElseThrow());
    }

    @Test
    void aMachineThatIsOnIsNotUnregisteredAndOneThatWasIsNotPoweredOn() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT);
        assertEquals("a: is on; power it off first", message(() -> pc.registry.unregister(vm)));
        vm.powerOff(PowerMode.HARD);
        pc.registry.unregister(vm);
        assertEquals("a: is not registered", message(vm::powerOn));
        assertEquals("a: is not registered", message(() -> pc.registry.unregister(vm)));
        assertEquals(List.of(), pc.registry.machines());
        pc.vm("a");
    }

    @Test
    void configureWritesTheFileAndKeepsTheRest() throws Exception {
        String text = "#!/usr/bin/vmware\ndisplayName = \"web\"\nodd.key = \"kept\"   # why\nmemsize = \"8\"\n";
        Path web = vmx("web.vmx", text);
        VirtualMachine vm = pc.registry.register(web);
        vm.configure("MEMSIZE", "12");
        vm.configure("displayName", "www");
        vm.configure("annotation", "say \"hi\"");
        assertEquals(text.replace("\"8\"", "\"12\"").replace("web", "www") + "annotation = \"say |22hi|22\"\n", Files.readString(web));
        assertEquals("www", vm.name());
        assertEquals("12", vm.config().text("memsize", ""));
        assertEquals(web + ": memsize = \"13\": a multiple of 4 MB is needed", message(() -> vm.configure("memsize", "13")));
        assertEquals("\"a b\" is not a key", message(() -> vm.configure("a b", "1")));
        assertEquals("12", vm.config().text("memsize", ""));
        vm.powerOn();
        assertEquals(12 * FakePc.MB, pc.memory.reservedBytes());
    }

    @Test
    void handMadeChangesCountAtTheNextPowerOn() throws Exception {
        Path web = vmx("web.vmx", "memsize = \"8\"\n");
        VirtualMachine vm = pc.registry.register(web);
        vmx("web.vmx", "memsize = \"16\"\ndisplayName = \"new name\"\n");
        vm.powerOn();
        assertEquals(16 * FakePc.MB, pc.memory.reservedBytes());
        assertEquals("new name", vm.name());
        vm.powerOff(PowerMode.HARD);
        vmx("web.vmx", "memsize = \"16\n");
        assertEquals(web + ":1: the value of memsize has no closing quote: memsize = \"16", message(vm::powerOn));
        Files.delete(web);
        assertEquals(web + ": no such file", message(vm::powerOn));
        assertTrue(pc.idle());
    }

    @Test
    void aMachineWithoutAFileCanBeConfigured() throws Exception {
        Machine vm = pc.vm("a");
        vm.configure("memsize", "12");
        vm.powerOn();
        assertEquals(12 * FakePc.MB, pc.memory.reservedBytes());
        assertThrows(VmException.class, () -> vm.configure("bad key", "1"));
    }

    @Test
    void cpuSettingsTakeEffectAtOnceAndStayIfTheyAreRefused() throws Exception {
        Path web = vmx("web.vmx", "memsize = \"8\"\n");
        Machine vm = (Machine) pc.registry.register(web);
        vm.powerOn();
        vm.configure("sched.cpu.shares", "high");
        assertEquals(2000, vm.cpuAllocation().shares());
        pc.scheduler.refuse = "no room";
        assertEquals("no room", message(() -> vm.configure("sched.cpu.min", "90")));
        assertEquals(0, vm.cpuAllocation().min());
        assertEquals("memsize = \"8\"\nsched.cpu.shares = \"high\"\n", Files.readString(web));
    }

    @Test
    void stoppingTheKernelPowersEverythingOff() throws Exception {
        Machine a = pc.running("a", FakePc.LOOP);
        Machine b = pc.running("b", FakePc.HALT);
        pc.registry.close();
        assertEquals(PowerState.OFF, a.state());
        assertEquals(PowerState.OFF, b.state());
        assertTrue(pc.idle());
    }

    @Test
    void theVmListCanBeElsewhere(@TempDir Path elsewhere) throws Exception {
        Path file = elsewhere.resolve("deep/vm-list");
        Registry registry = new Registry(pc.memory, pc.storage, pc.volumes, pc.networks, home, file.toString());
        try {
            registry.register(vmx("web.vmx", ""));
            assertTrue(Files.readString(file).startsWith("config \""));
            assertFalse(Files.exists(list()));
        } finally {
            registry.close();
        }
    }
}
