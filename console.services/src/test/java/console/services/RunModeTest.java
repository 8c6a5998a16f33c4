package console.services;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One-shot runs of a guest that echoes what is typed, see {@link FakeRegistry}. */
@Timeout(30)
class RunModeTest {
    private final FakeRegistry registry = new FakeRegistry();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ByteArrayOutputStream messages = new ByteArrayOutputStream();

    private int run(InputStream input, boolean terminal, String... arguments) {
        return new RunMode(registry, terminal, input, output, new PrintStream(messages)).applyAsInt(List.of(arguments));
    }

    private static InputStream typed(String keys) { return new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8)); }

    @Test
    void standardInputAndOutputAreTheSerialPortAndNothingElse() {
        assertEquals(0, run(typed("abcq"), false, "--rom", "r"));
        assertEquals("booted\r\nabcq", output.toString());
        assertEquals("", messages.toString());
    }

    @Test
    void theStatusIsThatOfADebugExit() {
        assertEquals(21, run(typed("x"), false, "--rom", "r", "--debug-exit"));
    }

    @Test
    void statisticsComeLastAndOnStandardError() {
        run(typed("q"), false, "--rom", "r", "--cpu-stats");
        assertTrue(messages.toString().matches("cpu-stats: 1000000 guest instructions, [0-9]+\\.[0-9]{3} seconds, [0-9]+\\.[0-9] MIPS\n"), messages.toString());
    }

    @Test
    void withoutATerminalCtrlBracketIsTheGuests() {
        run(typed("\u001Dq"), false, "--rom", "r");
        assertEquals("booted\r\n\u001Dq", output.toString());
    }

    @Test
    void theEndOfStandardInputDoesNotEndTheRun() throws Exception {
        Thread run = new Thread(() -> run(typed("a"), false, "--rom", "r"));
        run.start();
        while (!output.toString().endsWith("a")) Thread.onSpinWait();
        run.join(200);
        assertTrue(run.isAlive());
        registry.machines.get(0).powerOff(vmkernel.api.vm.PowerMode.HARD);
        run.join();
    }

    @Test
    void wrongOptionsAreOneLineAndStatus2AndRegisterNothing() {
        assertEquals(2, run(typed(""), false, "--rom"));
        assertEquals("vmk run: --rom needs an argument\n", messages.toString());
        assertTrue(registry.machines.isEmpty());
    }

    @Test
    void whatTheKernelRefusesIsOneLineAndStatus1() {
        assertEquals(1, run(typed(""), false, "--rom", "r", "--memory", "3"));
        assertEquals("vmk run: command line: memsize = \"3\": a multiple of 4 is needed\n", messages.toString());
    }

    @Test
    void outputThatCannotBeWrittenEndsTheRun() {
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int value) throws IOException { throw new IOException("Broken pipe"); }
        };
        assertEquals(1, new RunMode(registry, false, typed(""), closed, new PrintStream(messages)).applyAsInt(List.of("--rom", "r", "--name", "n")));
        assertEquals("vmk run: n: standard output cannot be written: Broken pipe\n", messages.toString());
    }

    @Test
    void helpIsOnStandardOutput() {
        assertEquals(0, run(typed(""), false, "--help"));
        assertFalse(output.toString().isEmpty());
    }
}
