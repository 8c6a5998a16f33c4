package vmk.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class CommandLineTest {
    @Test
    void withoutArgumentsItIsTheShell() throws Exception {
        assertEquals("shell", CommandLine.parse().mode());
    }

    @Test
    void aRunTakesAllOptionsAsTheyAreAndIsNoHost() throws Exception {
        CommandLine line = CommandLine.parse("run", "--rom", "r", "--help");
        assertEquals(List.of("--rom", "r", "--help"), line.arguments());
        assertFalse(line.host());
    }

    @Test
    void commandsAndFilesAreScripts() throws Exception {
        assertEquals(new CommandLine("script", List.of("-c", "list"), null), CommandLine.parse("-c", "list"));
        assertEquals(new CommandLine("script", List.of("a.gosh", "1"), null), CommandLine.parse("a.gosh", "1"));
        assertTrue(CommandLine.parse("a.gosh").host());
    }

    @Test
    void helpIsText() throws Exception {
        assertEquals(CommandLine.USAGE, CommandLine.parse("--help").text());
        assertNotNull(CommandLine.parse("--version").text());
    }

    @Test
    void whatMakesNoSenseIsTold() {
        assertEquals("unknown option --x; see vmk --help", assertThrows(CommandLine.UsageException.class, () -> CommandLine.parse("--x")).getMessage());
        assertEquals("-c needs one argument, the commands in quotes, but got 2", assertThrows(CommandLine.UsageException.class, () -> CommandLine.parse("-c", "a", "b")).getMessage());
        assertEquals("demo takes no arguments, but got now", assertThrows(CommandLine.UsageException.class, () -> CommandLine.parse("demo", "now")).getMessage());
    }
}
