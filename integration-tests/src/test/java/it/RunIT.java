package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** {@code ./vmk run}: streams, status, signals, errors. */
public class RunIT {
    /** Prints what is typed, for ever, and says first that it does. */
    private static final String ECHO = """
            putc '>'
        again:
            getc
            out dx, al
            jmp again
        """;

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();
    private Path home;

    @Before
    public void home() { home = temporary.getRoot().toPath(); }

    private String rom(String code) throws Exception { return Guest.rom(home, code).toString(); }

    private Vmk.Result run(String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of("run"));
        words.addAll(List.of(options));
        return Vmk.run(home, words.toArray(String[]::new));
    }

    @Test
    public void standardOutputIsTheSerialPortAndNothingElse() throws Exception {
        Vmk.Result result = run("--rom", rom("putc 'H'\n putc 'i'\n putc 0xff\n putc 10\n exit 0"), "--memory", "4", "--debug-exit", "--cpu-stats");
        assertEquals("Hi\u00ff\n", result.out());
        assertTrue(result.err(), result.err().matches("cpu-stats: [0-9]+ guest instructions, [0-9]+\\.[0-9]{3} seconds, [0-9]+\\.[0-9] MIPS\n"));
    }

    @Test
    public void aDebugExitGivesItsStatusAsQemuDoes() throws Exception {
        for (int value : new int[] {0, 1, 10, 0x7f, 0x80, 0xff}) {
            assertEquals("value " + value, 2 * value + 1 & 0xff, run("--rom", rom("exit " + value), "--memory", "4", "--debug-exit").status());
        }
    }

    @Test
    public void withoutTheOptionThereIsNoDebugExitAndNoDebugConsole() throws Exception {
        try (Vmk vmk = Vmk.start(home, "run", "--memory", "4", "--rom", rom("mov al, 'D'\n out 0xe9, al\n mov al, 1\n out 0xf4, al\n" + ECHO))) {
            vmk.expect(">").send("x").expect("x");
            assertEquals("", vmk.err());
        }
    }

    @Test
    public void theDebugConsoleIsStandardError() throws Exception {
        Vmk.Result result = run("--rom", rom("mov al, 'D'\n out 0xe9, al\n putc 'S'\n exit 0"), "--memory", "4", "--debugcon", "--debug-exit");
        assertEquals("D", result.err());
        assertEquals("S", result.out());
    }

    @Test
    public void standardInputIsTheSerialPortAndItsEndDoesNotEndTheRun() throws Exception {
        try (Vmk vmk = Vmk.start(home, "run", "--memory", "4", "--rom", rom(ECHO))) {
            vmk.expect(">").send("a\u001D\u0003b").expect("a\u001D\u0003b").endOfInput();
            Thread.sleep(500);
            assertTrue(vmk.alive());
            vmk.signal("TERM");
            assertEquals(143, vmk.end().status());
        }
    }

    @Test
    public void anInputFileOfAnySizeArrivesWhole() throws Exception {
        String text = "0123456789abcdef".repeat(600);
        try (Vmk vmk = Vmk.start(home, "run", "--memory", "4", "--rom", rom(ECHO))) {
            vmk.send(text).expect(">" + text);
        }
    }

    @Test
    public void signalsEndALoopWithInterruptsOff() throws Exception {
        for (String signal : heeded("TERM", "INT", "HUP")) {
            try (Vmk vmk = Vmk.start(home, "run", "--memory", "4", "--rom", rom("putc '>'\n cli\n jmp $"))) {
                vmk.expect(">").signal(signal);
                long start = System.nanoTime();
                assertNotEquals(signal, 0, vmk.end().status());
                assertTrue(signal, System.nanoTime() - start < Duration.ofSeconds(10).toNanos());
            }
        }
    }

    /** Those of the signals that our children do not inherit as ignored: under nohup HUP is, and a run has to respect that. */
    private static List<String> heeded(String... signals) throws Exception {
        Process process = new ProcessBuilder("sh", "-c", "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status").start();
        long ignored = Long.parseUnsignedLong(new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip(), 16);
        Map<String, Integer> numbers = Map.of("HUP", 1, "INT", 2, "TERM", 15);
        List<String> heeded = Stream.of(signals).filter(signal -> (ignored >>> numbers.get(signal) - 1 & 1) == 0).toList();
        assertTrue("SIGTERM is never ignored", heeded.contains("TERM"));
        return heeded;
    }

    @Test
    public void onATerminalCtrlBracketEndsTheRunAndEveryOtherKeyIsTheGuests() throws Exception {
        try (Vmk vmk = Vmk.startOnTerminal(home, "run", "--memory", "4", "--rom", rom(ECHO))) {
            vmk.expect(">").send("a\u0003\u0004z").expect("a\u0003\u0004z").send(Vmk.CTRL_BRACKET);
            assertEquals(0, vmk.end().status());
        }
    }

    @Test
    public void theTerminalIsRestoredAfterASignal() throws Exception {
        // in the foreground of its terminal, so that stdin is the terminal
        Files.writeString(home.resolve("script.sh"), "stty -a > before\n(until stty -a < /dev/tty | grep -q -- -icanon; do sleep 0.1; done; kill -TERM $(cat pid)) &\n" + "sh -c 'echo $$ > pid; exec " + Vmk.ROOT.resolve("vmk") + " run --memory 4 --rom " + rom(ECHO) + "'\nstty -a > after\necho finished\n");
        Process process = new ProcessBuilder("script", "-qfec", "sh script.sh", "/dev/null").directory(home.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        assertTrue(said, said.contains("finished"));
        assertEquals(Files.readString(home.resolve("before")), Files.readString(home.resolve("after")));
    }

    @Test
    public void multibootGetsItsCommandLineAndModules() throws Exception {
        Path module = Vmk.file(home, "mod.txt", "MODULE".getBytes(StandardCharsets.US_ASCII));
        Path elf = Guest.multiboot(home, """
                mov esi, [ebx + 16]
                call text
                putc '|'
                mov eax, [ebx + 20]
                add al, '0'
                mov dx, 0x3f8
                out dx, al
                putc '|'
                mov edi, [ebx + 24]
                mov esi, [edi]
                mov ecx, [edi + 4]
                sub ecx, esi
                rep outsb
                putc '|'
                mov esi, [edi + 8]
                call text
                exit 5
            text:
                mov dx, 0x3f8
            .next:
                lodsb
                test al, al
                jz .done
                out dx, al
                jmp .next
            .done:
                ret
            """);
        Vmk.Result result = run("--multiboot", elf.toString(), "--append", "a b=\"c d\"", "--module", module + " one two", "--memory", "8", "--debug-exit");
        assertEquals("", result.err());
        String[] parts = result.out().split("\\|", -1);
        assertTrue(result.out(), parts[0].endsWith("a b=\"c d\""));
        assertEquals("1", parts[1]);
        assertEquals("MODULE", parts[2]);
        assertTrue(result.out(), parts[3].contains("one two"));
        assertEquals(11, result.status());
    }

    @Test
    public void runsInParallelDoNotDisturbEachOther() throws Exception {
        String rom = rom(ECHO);
        List<Vmk> all = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) all.add(Vmk.start(home, "run", "--memory", "4", "--name", "same", "--rom", rom));
            for (Vmk vmk : all) vmk.expect(">");
            for (Vmk vmk : all) vmk.send("hello").expect("hello");
            for (Vmk vmk : all) vmk.signal("TERM");
            for (Vmk vmk : all) assertEquals(">hello", vmk.end().out());
        } finally {
            all.forEach(Vmk::close);
        }
        assertFalse("a run leaves nothing behind", Files.exists(home.resolve("var")));
    }

    @Test
    public void theFirstGuestInstructionComesWithinTwoSeconds() throws Exception {
        String rom = rom("exit 0");
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            long start = System.nanoTime();
            assertEquals(1, run("--rom", rom, "--memory", "256", "--debug-exit").status());
            best = Math.min(best, System.nanoTime() - start);
        }
        assertTrue("command to end in " + Duration.ofNanos(best), best < Duration.ofSeconds(2).toNanos());
    }

    @Test
    public void aTripleFaultEndsTheRunWithAMessage() throws Exception {
        Vmk.Result result = run("--memory", "4", "--rom", rom("o32 lidt [cs:none]\n int3\n none: dd 0, 0"));
        assertEquals(1, result.status());
        assertTrue(result.err(), result.err().matches("vmk run: .*triple fault.*\n"));
    }

    /** Errors: options, a part that their one line holds, and the status, 0 for any but 0. */
    @Test
    public void everythingWrongIsOneClearLineAndAStatus() throws Exception {
        Path text = Vmk.file(home, "text", "this is no kernel at all, whatever way one looks at it\n".repeat(40).getBytes(StandardCharsets.US_ASCII));
        Path empty = Vmk.file(home, "empty", new byte[0]);
        String rom = rom("exit 0");
        assertError(2, "nothing to boot");
        assertError(2, "--bogus", "--rom", rom, "--bogus");
        assertError(2, "--memory", "--rom", rom, "--memory", "much");
        assertError(2, "exclude each other", "--rom", rom, "--kernel", rom);
        assertError(1, "multiple of 4", "--rom", rom, "--memory", "6");
        assertError(1, "this host has", "--rom", rom, "--memory", "60000");
        assertError(1, "missing", "--kernel", "missing");
        assertError(1, "missing", "--multiboot", "missing");
        assertError(1, "missing", "--rom", "missing");
        assertError(1, text.toString(), "--kernel", text.toString());
        assertError(1, text.toString(), "--multiboot", text.toString());
        assertError(1, empty.toString(), "--rom", empty.toString());
        assertError(1, empty.toString(), "--kernel", empty.toString());
        assertError(1, home.toString(), "--kernel", home.toString());
        assertError(1, "missing", "--multiboot", Guest.multiboot(home, "exit 0").toString(), "--module", "missing");
        assertError(1, "bogus", "--rom", rom, "--monitor", "bogus");
    }

    private void assertError(int status, String part, String... options) throws Exception {
        Vmk.Result result = run(options);
        String what = String.join(" ", options) + "\n" + result.err();
        assertEquals(what, status, result.status());
        assertEquals(what, 1, result.err().lines().count());
        assertTrue(what, result.err().contains(part));
        assertEquals(what, "", result.out());
    }
}
