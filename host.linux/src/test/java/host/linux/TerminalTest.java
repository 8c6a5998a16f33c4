package host.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TerminalTest {
    @Test
    void withoutATerminalThereIsNone() {
        Terminal terminal = new Terminal(); // the tests' input is a pipe
        assertFalse(terminal.present());
        String message = assertThrows(IOException.class, terminal::raw).getMessage();
        assertTrue(message.startsWith("standard input is no terminal: "), message);
        assertArrayEquals(new int[] {80, 24}, terminal.size());
        terminal.restore();
    }

    @Test
    void aTerminalIsRawUntilItIsRestored() throws Exception {
        assumeTrue(Commands.works("script", "--version") && Commands.works("stty", "--version"), "script and stty");
        String probe = Commands.java(Probe.class).stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        String output = Commands.mustRun("script", "-qefc", "stty rows 40 cols 150; " + probe, "/dev/null");
        List<String> lines = output.lines().map(String::strip).toList();
        assertEquals(List.of("present true 150 40", "before icanon isig echo", "raw -icanon -isig -echo", "once more: the terminal is raw already",
            "after icanon isig echo", "raw -icanon -isig -echo", "deactivated icanon isig echo", "done"), lines, output);
    }

    /** Runs on a terminal and says what it finds. */
    static final class Probe {
        public static void main(String[] arguments) throws Exception {
            Terminal terminal = new Terminal();
            int[] size = terminal.size();
            System.out.println("present " + terminal.present() + " " + size[0] + " " + size[1]);
            System.out.println("before " + modes());
            AutoCloseable raw = terminal.raw();
            System.out.println("raw " + modes());
            try {
                terminal.raw();
            } catch (IOException e) {
                System.out.println("once more: " + e.getMessage());
            }
            raw.close();
            raw.close();
            System.out.println("after " + modes());
            terminal.raw();
            System.out.println("raw " + modes());
            terminal.restore();
            System.out.println("deactivated " + modes());
            System.out.println("done");
        }

        private static String modes() throws Exception {
            Process stty = new ProcessBuilder("stty", "-a").redirectInput(ProcessBuilder.Redirect.INHERIT).start();
            String all = new String(stty.getInputStream().readAllBytes());
            return List.of(all.split("[ ;\n]+")).stream().filter(mode -> mode.matches("-?(icanon|isig|echo)")).sorted(
                java.util.Comparator.comparing(mode -> List.of("icanon", "isig", "echo").indexOf(mode.replace("-", "")))).collect(Collectors.joining(" "));
        }
    }
}
