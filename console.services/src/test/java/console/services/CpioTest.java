package console.services;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Reads archives back with a reader that follows the format's text and not the writer. */
class CpioTest {
    private record Entry(String name, int mode, int size, int major, int minor, String content) {}

    private static List<Entry> read(byte[] archive) {
        List<Entry> entries = new ArrayList<>();
        for (int at = 0; ; ) {
            assertEquals(0, at % 4, "headers are aligned");
            String header = new String(archive, at, 110, StandardCharsets.US_ASCII);
            assertTrue(header.startsWith("070701"));
            int[] fields = new int[13];
            for (int i = 0; i < 13; i++) fields[i] = Integer.parseUnsignedInt(header.substring(6 + 8 * i, 14 + 8 * i), 16);
            String name = new String(archive, at + 110, fields[11] - 1, StandardCharsets.UTF_8);
            assertEquals(0, archive[at + 110 + fields[11] - 1], "the name ends with 0");
            if (name.equals("TRAILER!!!")) return entries;
            int content = at + 110 + fields[11] + 3 & ~3;
            entries.add(new Entry(name, fields[1], fields[6], fields[9], fields[10], new String(archive, content, fields[6], StandardCharsets.UTF_8)));
            at = content + fields[6] + 3 & ~3;
        }
    }

    @Test
    void everyKindOfEntryComesBackAsItWasPutIn() {
        byte[] archive = new Cpio().folder("bin").file("bin/a", 0755, "12345".getBytes(StandardCharsets.UTF_8)).link("bin/sh", "busybox").characterDevice("dev/console", 5, 1).bytes();
        assertEquals(List.of(
            new Entry("bin", 0040755, 0, 0, 0, ""),
            new Entry("bin/a", 0100755, 5, 0, 0, "12345"),
            new Entry("bin/sh", 0120777, 7, 0, 0, "busybox"),
            new Entry("dev/console", 0020600, 0, 5, 1, "")), read(archive));
    }

    @Test
    void theDemosRootHasItsFirstProcessAndAShell() throws Exception {
        List<Entry> entries = read(DebianGuest.initialRamDisk(new byte[] {1, 2, 3}));
        Entry init = entries.stream().filter(entry -> entry.name.equals("init")).findFirst().orElseThrow();
        assertEquals(0100755, init.mode);
        assertTrue(init.content.startsWith("#!/bin/sh\n"));
        assertTrue(entries.stream().anyMatch(entry -> entry.name.equals("bin/sh") && entry.content.equals("busybox")));
        assertTrue(entries.stream().anyMatch(entry -> entry.name.equals("dev/console") && entry.major == 5 && entry.minor == 1));
    }
}
