package it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import vmkernel.api.vm.Console;

/** The shell of a Debian guest on its serial port: commands go in, what they print and their status come back. */
final class DebianShell {
    private static final Duration BOOT = Duration.ofMinutes(5), PATIENCE = Duration.ofMinutes(5);

    /** What a Linux kernel says when a disk does not do as it should. */
    static final Pattern DISK_TROUBLE = Pattern.compile("(?i)I/O error|buffer i/o|ext4-fs error|ext4-fs warning|jbd2.*error|attempting (task|host) (abort|reset)|reset (adapter|bus)|BUG:|Oops|bus error");
    /** The same of a card, or the time. */
    private static final Pattern OTHER_TROUBLE = Pattern.compile("(?i)transmit timed out|NETDEV WATCHDOG|soft lockup|rcu.*stall|hung_task|blocked for more than|WARNING:|Clocksource .* unstable");

    private final Console console;
    private final StringBuilder text = new StringBuilder();
    private int commands;
    private int seen;

    DebianShell(Console console) {
        this.console = console;
        console.attach((bytes, offset, length) -> {
            synchronized (text) {
                text.append(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
                text.notifyAll();
            }
        });
    }

    /** Kernel and initial RAM disk, made from Debian's packages once and kept below target. */
    static Path files() throws IOException, InterruptedException {
        Path folder = Vmk.ROOT.resolve("integration-tests/target/debian");
        Files.createDirectories(folder);
        Path log = folder.resolve("make-guest.log");
        Process made = new ProcessBuilder(Vmk.ROOT.resolve("integration-tests/debian/make-guest").toString(), folder.toString())
            .redirectErrorStream(true).redirectOutput(log.toFile()).redirectInput(Path.of("/dev/null").toFile()).start();
        if (made.waitFor() != 0) throw new AssertionError("Debian's packages cannot be had: " + Files.readString(log).lines().reduce((a, b) -> b).orElse(""));
        return folder;
    }

    /** Keys of a machine of 256 MB that starts it, without disks and cards; more may be put in. */
    static Map<String, String> machine() throws IOException, InterruptedException {
        Path files = files();
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("displayName", "debian");
        keys.put("memsize", "256");
        keys.put("serial0.present", "TRUE");
        keys.put("boot.kernel", files.resolve("vmlinuz").toString());
        keys.put("boot.initrd", files.resolve("initrd").toString());
        // the kernel's tests of its own ciphers take longer than all the rest of its start
        keys.put("boot.append", "console=ttyS0 cryptomgr.notests=1");
        return keys;
    }

    DebianShell booted() throws InterruptedException {
        expect("guest is ready", BOOT);
        run("PS1="); // no prompts between what commands print
        return this;
    }

    /** Waits for text that has not been waited for. @return what came before it */
    String expect(String wanted, Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        synchronized (text) {
            for (int at; ; TimeUnit.NANOSECONDS.timedWait(text, Math.min(TimeUnit.SECONDS.toNanos(1), deadline - System.nanoTime()))) {
                if ((at = text.indexOf(wanted, seen)) >= 0) {
                    String before = text.substring(seen, at);
                    seen = at + wanted.length();
                    return before;
                }
                if (System.nanoTime() > deadline) throw new AssertionError("\"" + wanted + "\" does not come; the guest said: " + text.substring(Math.max(0, text.length() - 3000)));
            }
        }
    }

    void send(String keys) throws InterruptedException {
        byte[] bytes = keys.getBytes(StandardCharsets.ISO_8859_1);
        console.send(bytes, 0, bytes.length);
    }

    /** Runs a command that must succeed. @return what it printed */
    String run(String command) throws InterruptedException {
        String mark = "end" + ++commands;
        // the mark is put together by the shell, so that the echo of the line does not look like it
        send(command + "\necho \"<$?\" \"" + mark.substring(0, 3) + "\"" + mark.substring(3) + "'>'\n");
        String output = expect(" " + mark + ">", PATIENCE);
        int status = output.lastIndexOf('<');
        if (!output.substring(status + 1).strip().equals("0")) throw new AssertionError(command + ": status " + output.substring(status + 1) + ": " + output);
        return output.substring(0, status);
    }

    /** Looks whether its kernel is content. */
    void requireNoTrouble() throws InterruptedException {
        requireNo(DISK_TROUBLE);
        requireNo(OTHER_TROUBLE);
    }

    /** Looks whether its kernel has said something. */
    void requireNo(Pattern trouble) throws InterruptedException {
        String found = String.join("\n", run("dmesg").lines().filter(line -> trouble.matcher(line).find()).toList());
        if (!found.isEmpty()) throw new AssertionError(found);
    }

    /** All that the guest said. */
    String all() {
        synchronized (text) {
            return text.toString();
        }
    }

    /** The last number in a text. */
    static long number(String text) {
        Matcher matcher = Pattern.compile("(\\d+)\\D*$").matcher(text);
        if (!matcher.find()) throw new AssertionError("no number in " + text);
        return Long.parseLong(matcher.group(1));
    }
}
