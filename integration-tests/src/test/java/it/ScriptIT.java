package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** {@code ./vmk -c} and {@code ./vmk FILE.gosh}: the shell without a terminal. */
public class ScriptIT {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();
    private Path home;

    @Before
    public void home() { home = temporary.getRoot().toPath(); }

    private Vmk.Result shell(String commands) throws Exception { return Vmk.run(home, "-c", commands); }

    private void assertError(String line, Vmk.Result result) {
        assertEquals(result.err(), 1, result.status());
        assertEquals(line + "\n", result.err());
    }

    private static String rom(Path folder, String code) throws Exception { return Guest.rom(folder, code).toString(); }

    @Test
    public void outputIsCleanAndTheStatusIsTheCommands() throws Exception {
        assertEquals(new Vmk.Result(0, "hello\n", ""), shell("echo hello"));
        assertEquals(new Vmk.Result(7, "", ""), shell("exit 7"));
        assertError("vmk: dance: there is no such command; \"help\" lists them", shell("dance now"));
    }

    @Test
    public void aFailingCommandEndsTheScriptAndTheMessageNamesTheLine() throws Exception {
        Path script = Files.writeString(home.resolve("a.gosh"), "echo one $1\n\ngetstate nobody\necho two\n");
        Vmk.Result result = Vmk.run(home, "a.gosh", "argument");
        assertEquals(1, result.status());
        assertEquals("one argument\n", result.out());
        assertTrue(result.err(), result.err().matches("vmk: a\\.gosh:3: no virtual machine nobody is registered; \"list\" shows those that are\n"));
        assertTrue(Files.exists(script));
    }

    @Test
    public void aScriptThatIsNotThereIsTold() throws Exception {
        assertError("vmk: nothing.gosh: there is no such script or command; see vmk --help", Vmk.run(home, "nothing.gosh"));
    }

    @Test
    public void machinesArePoweredAndAskedInVmwaresWords() throws Exception {
        Vmk.Result result = shell("create t1 memsize=4 boot.rom=" + rom(home, "cli\n jmp $") + "; vmware-cmd t1 getstate; start t1; vmware-cmd t1 getstate;"
            + " vmware-cmd t1 stop hard; vmware-cmd t1 getstate; vmware-cmd -q t1 getconfig memsize");
        assertEquals(result.err(), 0, result.status());
        Path vmx = home.resolve("var/vm/t1/t1.vmx");
        assertTrue(result.out(), result.out().matches("t1: created, " + vmx + "\ngetstate\\(\\) = off\nt1: on, id [0-9]+\ngetstate\\(\\) = on\nstop\\(hard\\) = 1\ngetstate\\(\\) = off\n4\n"));
        assertEquals(new Vmk.Result(0, vmx + "\n", ""), shell("vmware-cmd -l"));
        assertEquals("unregister(t1) = 1\n", shell("vmware-cmd -s unregister t1").out());
        assertEquals("", shell("vmware-cmd -l").out());
        assertTrue("the files stay", Files.exists(vmx));
        assertEquals("register(" + vmx + ") = 1\n", shell("vmware-cmd -s register " + vmx).out());
        assertError("vmk: " + vmx + ": is registered already", shell("register " + vmx));
    }

    @Test
    public void aConsoleWithoutATerminalIsStandardInputAndOutput() throws Exception {
        String echo = rom(home, "again:\n getc\n out dx, al\n cmp al, 'q'\n jne again\n exit 0");
        try (Vmk vmk = Vmk.start(home, "-c", "create t1 memsize=4 debugexit.present=TRUE boot.rom=" + echo + "; start t1; console t1; getstate t1")) {
            vmk.expect("on, id").send("abc").expect("abc").send("q").expect("q");
            vmk.expect("t1 is off").expect("off");
            assertEquals(0, vmk.end().status());
        }
    }

    @Test
    public void configurationKeepsWhatItDoesNotKnow() throws Exception {
        Path vmx = Files.writeString(home.resolve("b.vmx"), "# mine\nfirst.unknown = \"1\"\ndisplayName = \"b\"\nmemsize = \"8\"\nlast.Unknown = \"x y\"\n");
        assertEquals("12\n", shell("register b.vmx; setconfig b memsize 12; vmware-cmd -q b getconfig memsize").out().lines().skip(1).reduce("", (a, b) -> a + b + "\n"));
        assertEquals("# mine\nfirst.unknown = \"1\"\ndisplayName = \"b\"\nmemsize = \"12\"\nlast.Unknown = \"x y\"\n", Files.readString(vmx));
    }

    @Test
    public void whatCannotBeRegisteredLeavesNothingBehind() throws Exception {
        Path broken = Files.writeString(home.resolve("broken.vmx"), "displayName = \"broken\"\nmemsize 64\n");
        Vmk.Result result = shell("register broken.vmx");
        assertEquals(1, result.status());
        assertTrue(result.err(), result.err().matches("vmk: " + broken + ":2: .*\n"));
        assertEquals(1, shell("create odd memsize=6").status());
        assertFalse(Files.exists(home.resolve("var/vm/odd")));
        shell("create twice");
        Path other = Files.writeString(home.resolve("other.vmx"), "displayName = \"twice\"\n");
        result = shell("register other.vmx");
        assertEquals(1, result.status());
        assertTrue(result.err(), result.err().contains(other + ": displayName \"twice\" is used already"));
        assertError("vmk: " + home.resolve("none.vmx") + ": no such file", shell("register none.vmx"));
        assertEquals(home.resolve("var/vm/twice/twice.vmx") + "\n", shell("vmware-cmd -l").out());
    }

    @Test
    public void whatCannotBePoweredOnStaysOff() throws Exception {
        Vmk.Result result = shell("create t1 memsize=4 ethernet0.present=TRUE ethernet0.virtualDev=teapot boot.rom=" + rom(home, "jmp $") + "; start t1");
        assertEquals(1, result.status());
        assertEquals(1, result.err().lines().count());
        assertTrue(result.err(), result.err().contains("teapot"));
        assertEquals("off", shell("getstate t1").out().trim());
        result = shell("create t2 memsize=4 boot.kernel=missing; start t2");
        assertEquals(1, result.err().lines().count());
        assertTrue(result.err(), result.err().contains(home.resolve("missing").toString()));
    }

    @Test
    public void aMachineThatIsOnInAnotherProcessIsTold() throws Exception {
        String loop = rom(home, "jmp $");
        try (Vmk vmk = Vmk.start(home, "-c", "create t1 memsize=4 boot.rom=" + loop + "; start t1; sleep 120")) {
            vmk.expect("on, id");
            Vmk.Result result = shell("start t1");
            assertEquals(1, result.status());
            assertTrue(result.err(), result.err().startsWith("vmk: t1 is running elsewhere: process " + vmk.pid() + " has "));
        }
    }

    @Test
    public void procVmwareIsThere() throws Exception {
        Vmk.Result result = shell("create t1 memsize=4 boot.rom=" + rom(home, "jmp $") + "; start t1; ls /proc/vmware; id = $(vmware-cmd -q t1 getid);"
            + " cat /proc/vmware/vm/$id/names; cat /proc/vmware/vm/$id/cpu/status; cat /proc/vmware/sched/cpu; procset /proc/vmware/vm/$id/cpu/shares 2000; cat /proc/vmware/vm/$id/cpu/shares");
        assertEquals(result.err(), 0, result.status());
        for (String part : new String[] {"vm/\n", "sched/\n", "version\n", "t1", "vmm0:t1", "\n2000\n"}) assertTrue(part + " in\n" + result.out(), result.out().contains(part));
        result = shell("cat /proc/vmware/nothing");
        assertEquals(1, result.status());
        assertEquals(1, result.err().lines().count());
    }

    @Test
    public void everyCommandHasHelp() throws Exception {
        Vmk.Result result = shell("help");
        for (String name : new String[] {"cat", "console", "create", "getconfig", "list", "ls", "cp", "register", "reset", "setconfig", "start", "stop", "unregister", "version", "vmware-cmd", "vmkfstools", "vdf"}) {
            assertTrue(name, result.out().lines().anyMatch(line -> line.matches(name + " +[a-zA-Z].{10,}")));
            assertTrue(name, shell("help " + name).out().startsWith(name));
        }
    }

    @Test
    public void standardInputIsAScriptWithoutATerminal() throws Exception {
        try (Vmk vmk = Vmk.start(home)) {
            vmk.send("echo one\necho two\n").endOfInput();
            assertEquals(new Vmk.Result(0, "one\ntwo\n", ""), vmk.end());
        }
    }

    @Test
    public void standardInputIsAnsweredCommandByCommand() throws Exception {
        try (Vmk vmk = Vmk.start(home)) {
            vmk.send("echo one\n").expect("one\n");
            vmk.send("each [1 2] {\n echo number $it\n").send("}\n").expect("number 1\nnumber 2\n");
            vmk.send("getstate nobody\necho never\n");
            assertEquals(new Vmk.Result(1, "one\nnumber 1\nnumber 2\n", "vmk: standard input:5: no virtual machine nobody is registered; \"list\" shows those that are\n"), vmk.end());
        }
    }

    @Test
    public void theLogIsAFileAndNotTheTerminal() throws Exception {
        Vmk.Result result = shell("create t1 memsize=4 boot.rom=" + rom(home, "jmp $") + "; start t1");
        assertEquals("", result.err());
        assertTrue(Files.readString(home.resolve("var/log/vmkernel.0"), StandardCharsets.UTF_8).contains("t1 is on"));
    }
}
