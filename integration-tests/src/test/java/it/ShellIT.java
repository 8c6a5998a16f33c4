package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** {@code ./vmk} on a terminal. */
public class ShellIT {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Test
    public void aPersonTypesCompletesAndLeaves() throws Exception {
        Path home = temporary.getRoot().toPath();
        Path rom = Guest.rom(home, "again:\n getc\n out dx, al\n jmp again");
        try (Vmk vmk = Vmk.startOnTerminal(home)) {
            vmk.expect("vmk> ").send("create echo memsize=4 boot.rom=" + rom + "\r").expect("echo: created");
            vmk.expect("vmk> ").send("dance\r").expect("dance: there is no such command");
            vmk.expect("vmk> ").send("start ec\t").expect("ho").send("\r").expect("echo: on, id");
            vmk.expect("vmk> ").send("conso\t").expect("le").send("ec\t").expect("ho").send("\r").expect("Ctrl-] leaves it");
            vmk.send("h\u0003i").expect("h\u0003i").send(Vmk.CTRL_BRACKET).expect("vmk> ");
            vmk.send("stop echo hard\r").expect("echo: off").expect("vmk> ").send(Vmk.CTRL_D);
            assertEquals(0, vmk.end().status());
        }
        assertTrue("history is kept", Files.readString(home.resolve("var/history")).contains("dance"));
    }
}
