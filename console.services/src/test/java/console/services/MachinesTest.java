package console.services;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;

class MachinesTest {
    @TempDir Path home;
    private final FakeRegistry registry = new FakeRegistry();
    private Machines machines;

    @BeforeEach
    void machines() {
        BundleContext context = (BundleContext) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {BundleContext.class},
            (proxy, method, arguments) -> method.getName().equals("getProperty") && arguments[0].equals("vmk.home") ? home.toString() : null);
        machines = new Machines(registry, context);
    }

    private Path vmx(String name) { return home.resolve("var/vm").resolve(name).resolve(name + ".vmx"); }

    private static String message(Runnable command) { return assertThrows(CommandException.class, command::run).getMessage(); }

    @Test
    void aNewMachineHasItsFileWithTheKeysThatWereGiven() throws Exception {
        machines.create("t1", Map.of("MEMSIZE", "64"));
        String text = Files.readString(vmx("t1"));
        assertTrue(text.contains("displayName = \"t1\"\n") && text.contains("MEMSIZE = \"64\"\n") && !text.contains("memsize"), text);
        assertEquals("t1", machines.find("t1").name());
    }

    @Test
    void aMachineThatTheKernelRefusesLeavesNothingBehind() {
        assertEquals(vmx("bad") + ": memsize = \"3\": a multiple of 4 is needed", message(() -> machines.create("bad", Map.of("memsize", "3"))));
        assertFalse(Files.exists(vmx("bad").getParent()));
        assertEquals(0, registry.machines.size());
    }

    @Test
    void aNameIsTakenOnce() {
        machines.create("t1", Map.of());
        assertEquals("create: a virtual machine t1 is registered already", message(() -> machines.create("t1", Map.of())));
    }

    @Test
    void filesThatAreThereAreNotOverwritten() throws Exception {
        Files.createDirectories(vmx("t1").getParent());
        assertEquals("create: " + vmx("t1").getParent() + " exists already", message(() -> machines.create("t1", Map.of())));
    }

    @Test
    void aNameThatLeadsOutOfTheFolderIsNone() {
        assertTrue(message(() -> machines.create("../t1", Map.of())).startsWith("create: \"../t1\" is no name"));
    }

    @Test
    void aQuoteCannotGetIntoTheFile() {
        assertTrue(message(() -> machines.create("t1", Map.of("boot.append", "a\"b"))).startsWith("boot.append: "));
        VirtualMachine machine = machines.create("t2", Map.of());
        assertTrue(message(() -> machines.configure(machine, "x", "a\nb")).startsWith("x: "));
    }

    @Test
    void aMachineThatIsOnIsLockedAgainstOtherProcessesUntilItIsOff() {
        VirtualMachine machine = machines.create("t1", Map.of());
        Path lock = vmx("t1").resolveSibling("t1.vmx.lck");
        machines.start(machine);
        assertTrue(Files.exists(lock));
        assertEquals("t1: is on already", message(() -> machines.start(machine)));
        assertTrue(Files.exists(lock));
        machines.stop(machine, PowerMode.HARD);
        assertFalse(Files.exists(lock));
        machines.start(machine);
        assertEquals(PowerState.ON, machine.state());
    }

    @Test
    void anotherProcessesLockIsRespected() throws Exception {
        VirtualMachine machine = machines.create("t1", Map.of());
        Path lock = vmx("t1").resolveSibling("t1.vmx.lck");
        Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", System.getProperty("java.class.path"),
            LockHolder.class.getName(), lock.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            assertEquals('L', other.getInputStream().read(), "the other process has the lock");
            assertEquals("t1 is running elsewhere: process " + other.pid() + " has " + lock, message(() -> machines.start(machine)));
            assertEquals(PowerState.OFF, machine.state());
        } finally {
            other.destroyForcibly().waitFor();
        }
        machines.start(machine);
        assertEquals(PowerState.ON, machine.state());
    }

    /** The other process. */
    static final class LockHolder {
        public static void main(String[] arguments) throws Exception {
            PowerLock.take("t1", Path.of(arguments[0].replaceAll("\\.lck$", "")));
            System.out.println("L");
            Thread.sleep(60_000);
        }
    }

    @Test
    void modesAreVmwaresWords() {
        assertEquals(PowerMode.TRYSOFT, Machines.mode("trysoft"));
        assertEquals("\"softly\" is no way to stop or reset: hard, soft and trysoft are", message(() -> Machines.mode("softly")));
    }
}
