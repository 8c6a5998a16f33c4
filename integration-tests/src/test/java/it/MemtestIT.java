package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.Test;

/** Debian's memtest86+, a kernel in Linux's format that nobody here wrote, on the serial console. Its package is kept below target. */
public class MemtestIT {
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    /** LIMIT: a whole pass waits 160 s in its last test alone, so this one ends after the tests with moving inversions. */
    @Test
    public void memtestShowsItsFirstPassWithoutErrors() throws Exception {
        Path folder = Files.createDirectories(Vmk.ROOT.resolve("integration-tests/target/memtest"));
        Path kernel = folder.resolve("boot/memtest86+ia32.bin");
        if (!Files.exists(kernel)) shell(folder, "apt-get -q download memtest86+ || { apt-get -q update && apt-get -q download memtest86+; } && dpkg -x memtest86+_*.deb .");
        try (Vmk vmk = Vmk.start(folder, "run", "--memory", "8", "--kernel", kernel.toString(), "--append", "console=ttyS0,115200")) {
            vmk.expect("Memtest86+", PATIENCE).expect("#6 ", PATIENCE).expect("#8 ", PATIENCE);
            assertFalse(vmk.out().replaceAll("\\s", "").matches("(?s).*Errors:[1-9].*"));
        }
    }

    private static void shell(Path folder, String command) throws Exception {
        Process process = new ProcessBuilder("sh", "-c", command).directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(said, 0, process.waitFor());
    }
}
