package firmware.bios.tables;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ACPI tables, as Intel's compiler, disassembler and interpreter (Debian's acpica-tools) understand them. */
class AcpiTablesTest {
    private static final String PACKAGE = "acpica-tools";
    private static final long BASE = 0xFFF0000, FACS = 0xFFFF000;
    @TempDir Path folder;
    private final Board board = new Board(3, 256L << 20, 256L << 20, List.of(0, 1));
    private final Map<String, byte[]> tables = new TreeMap<>();
    private AcpiTables.Block block;

    @BeforeEach
    void writeEachTableToAFile() throws Exception {
        block = new AcpiTables(board).tables(BASE, FACS);
        byte[] bytes = block.bytes();
        for (int at = 0; at < bytes.length; ) {
            byte[] table = Arrays.copyOfRange(bytes, at, at + little(bytes).getInt(at + 4));
            tables.put(new String(table, 0, 4, "US-ASCII"), table);
            at = at + table.length + 15 & -16;
        }
        tables.put("FACS", AcpiTables.facs());
        for (String name : tables.keySet()) Files.write(folder.resolve(name + ".aml"), tables.get(name));
    }

    private static ByteBuffer little(byte[] bytes) { return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN); }

    private static int sum(byte[] bytes, int first, int count) {
        int sum = 0;
        for (int i = first; i < first + count; i++) sum += bytes[i];
        return sum & 0xFF;
    }

    /** Disassembled source without its comments. */
    private String source(String table) throws Exception {
        String output = Tools.run(folder, PACKAGE, "iasl", "-d", table + ".aml");
        assertFalse(output.contains("Error") || output.contains("Warning"), output);
        return Files.readString(folder.resolve(table + ".dsl"));
    }

    @Test
    void everyTableComesBackFromDisassemblerAndCompilerAsItWas() throws Exception {
        assertEquals(List.of("APIC", "DSDT", "FACP", "FACS", "RSDT", "XSDT"), List.copyOf(tables.keySet()));
        for (String name : tables.keySet()) {
            source(name);
            // without optimisation: our paths are absolute; 3168 complains that Processor() is older than ACPI 6
            String output = Tools.run(folder, PACKAGE, "iasl", "-oa", "-vw", "3168", "-p", "again", name + ".dsl");
            assertTrue(output.contains("0 Errors, 0 Warnings"), output);
            byte[] expected = tables.get(name).clone(), again = Files.readAllBytes(folder.resolve("again.aml"));
            if (!name.equals("FACS")) {
                for (byte[] table : List.of(expected, again)) {
                    table[9] = 0; // checksum
                    Arrays.fill(table, 28, 36, (byte) 0); // who compiled it
                }
            }
            assertArrayEquals(expected, again, name);
        }
    }

    @Test
    void everyTableAddsUpToZero() {
        tables.forEach((name, table) -> {
            if (!name.equals("FACS")) assertEquals(0, sum(table, 0, table.length), name);
        });
    }

    @Test
    void theRootPointerLeadsToAllTables() {
        byte[] root = AcpiTables.rootPointer(block);
        assertEquals("RSD PTR ", new String(root, 0, 8));
        assertEquals(36, root.length);
        assertEquals(0, sum(root, 0, 20));
        assertEquals(0, sum(root, 0, 36));
        assertEquals(2, root[15]);
        List<String> names = new ArrayList<>();
        for (int wide = 0; wide < 2; wide++) {
            long address = wide == 0 ? little(root).getInt(16) : little(root).getLong(24);
            ByteBuffer memory = little(block.bytes());
            int table = (int) (address - BASE), entry = wide == 0 ? 4 : 8;
            names.add(signature(table));
            for (int at = table + 36; at < table + memory.getInt(table + 4); at += entry) {
                long to = wide == 0 ? memory.getInt(at) : memory.getLong(at);
                assertEquals(0, to % 16);
                names.add(signature((int) (to - BASE)));
            }
        }
        assertEquals(List.of("RSDT", "FACP", "APIC", "XSDT", "FACP", "APIC"), names);
        ByteBuffer fadt = little(tables.get("FACP"));
        assertEquals("DSDT", signature((int) (fadt.getInt(40) - BASE)));
        assertEquals(fadt.getInt(40), fadt.getLong(140));
        assertEquals(FACS, fadt.getInt(36));
    }

    private String signature(int at) { return new String(block.bytes(), at, 4); }

    @Test
    void theFixedHardwareIsThatOfThePiix4() throws Exception {
        String source = source("FACP");
        Map.of("PM1A Event Block Address", "00001000", "PM1A Control Block Address", "00001004", "PM Timer Block Address", "00001008",
                "GPE0 Block Address", "0000100C", "SCI Interrupt", "0009", "SMI Command Port", "000000B2", "ACPI Enable Value", "F1",
                "ACPI Disable Value", "F0", "Value to cause reset", "06", "RTC Century Index", "32")
                .forEach((field, value) -> assertEquals(value, field(source, field), field));
        assertEquals("04", field(source, "PM1 Event Block Length"));
        assertEquals("02", field(source, "PM1 Control Block Length"));
        assertEquals("04", field(source, "PM Timer Block Length"));
        assertEquals("04", field(source, "GPE0 Block Length"));
        assertEquals("1", field(source, "WBINVD instruction is operational (V1)"));
        assertEquals("1", field(source, "All CPUs support C1 (V1)"));
        assertEquals("0", field(source, "Control Method Power Button (V1)"), "it is fixed hardware");
        assertEquals("1", field(source, "Control Method Sleep Button (V1)"), "there is none");
        assertEquals("0", field(source, "32-bit PM Timer (V1)"), "it has 24 bits");
        assertEquals("1", field(source, "Reset Register Supported (V2)"));
        assertTrue(Pattern.compile("Reset Register.*?Address : 0000000000000CF9", Pattern.DOTALL).matcher(source).find());
    }

    private static String field(String source, String name) {
        Matcher matcher = Pattern.compile("\\Q" + name + "\\E : ([0-9A-F]+)").matcher(source);
        assertTrue(matcher.find(), () -> "no " + name + " in\n" + source);
        return matcher.group(1);
    }

    @Test
    void theInterruptControllersAreToldWithTheirOverrides() throws Exception {
        String source = source("APIC");
        assertEquals(3, source.split("\\[Processor Local APIC\\]").length - 1);
        for (String id : new String[] {"00", "01", "02"}) assertTrue(source.contains("Local Apic ID : " + id), source);
        assertTrue(Pattern.compile("I/O Apic ID : 03.*?Address : FEC00000.*?Interrupt : 00000000", Pattern.DOTALL).matcher(source).find(), source);
        assertTrue(Pattern.compile("Source : 00\\s.*?Interrupt : 00000002", Pattern.DOTALL).matcher(source).find(), source);
        assertTrue(Pattern.compile("Source : 09\\s.*?Interrupt : 00000009.*?Polarity : 1.*?Trigger Mode : 3", Pattern.DOTALL).matcher(source).find(), source);
        assertTrue(source.contains("Interrupt Input LINT : 01"), source);
    }

    /** What the interpreter gives for commands of its debugger, on the DSDT alone; what it did before is cut off. */
    private String execute(String commands) throws Exception {
        String output = Tools.run(folder, PACKAGE, "acpiexec", "-b", commands, "DSDT.aml");
        assertFalse(output.contains("Error") || output.contains("Exception") || output.contains("Warning"), output);
        return output.substring(output.indexOf("Evaluating"));
    }

    @Test
    void softOffIsSleepTypeZero() throws Exception {
        String output = execute("execute \\_S5");
        assertEquals(4, output.split("\\[Integer\\] = 0000000000000000").length - 1, output);
    }

    @Test
    void pciInterruptsGoToTheIoapicOnceTheSystemUsesIt() throws Exception {
        List<Long> numbers = integers(execute("execute \\_PIC 1;execute \\_SB.PCI0._PRT"));
        assertEquals(31 * 4 * 4, numbers.size());
        int at = 0;
        for (int slot = 1; slot < 32; slot++) {
            for (int pin = 0; pin < 4; pin++, at += 4) {
                assertEquals(List.of((slot << 16) + 0xFFFFL, (long) pin, 0L, 16L + (slot + pin - 1) % 4), numbers.subList(at, at + 4));
            }
        }
    }

    private static List<Long> integers(String output) {
        return Pattern.compile("\\[Integer\\] = ([0-9A-F]{16})").matcher(output).results().map(match -> Long.parseLong(match.group(1), 16)).toList();
    }

    @Test
    void pciInterruptsGoToTheLinksWithoutIoapic() throws Exception {
        // the method gives this package then: the interpreter's debugger has no room to print it
        String source = source("DSDT"), routes = source.substring(source.indexOf("Name (PICR"), source.indexOf("Name (APCR"));
        assertTrue(Pattern.compile("Method \\(_PRT.*?If \\(\\\\PICF\\)\\s*\\{\\s*Return \\(APCR\\)[^}]*\\}\\s*Return \\(PICR\\)", Pattern.DOTALL).matcher(source).find(), source);
        List<String> links = Pattern.compile("\\\\_SB\\.(LNK[A-D])").matcher(routes).results().map(match -> match.group(1)).toList();
        List<String> expected = new ArrayList<>();
        for (int slot = 1; slot < 32; slot++) for (int pin = 0; pin < 4; pin++) expected.add("LNK" + "ABCD".charAt((slot + pin - 1) % 4));
        assertEquals(expected, links, routes);
    }

    @Test
    void aLinkCanBeSetReadAndSwitchedOff() throws Exception {
        // the descriptor is IRQ(Level, ActiveLow, Shared) {11}
        String output = execute("execute \\_SB.LNKC._SRS (23 00 08 18 79 00);execute \\_SB.LNKC._CRS;execute \\_SB.LNKC._STA;"
                + "execute \\_SB.LNKC._DIS;execute \\_SB.LNKC._STA;execute \\_SB.LNKC._CRS;execute \\_SB.LNKC._PRS");
        assertTrue(Pattern.compile("LNKC._CRS.*?23 00 08 18 79 00.*?LNKC._STA.*?000000000000000B.*?LNKC._DIS.*?LNKC._STA.*?0000000000000009"
                + ".*?LNKC._CRS.*?23 00 00 18 79 00.*?LNKC._PRS.*?23 20 0C 18 79 00", Pattern.DOTALL).matcher(output).find(), output);
    }

    @Test
    void theIsaBusHasWhatTheBoardHas() throws Exception {
        String source = source("DSDT");
        for (String id : new String[] {"PNP0A03", "PNP0C0F", "PNP0000", "PNP0100", "PNP0200", "PNP0B00", "PNP0303", "PNP0F13", "PNP0501"}) {
            assertTrue(source.contains("EisaId (\"" + id + "\")"), id);
        }
        assertTrue(source.contains("Device (COM1)") && source.contains("Device (COM2)"), source);
        assertEquals(3, source.split("Processor \\(C00").length - 1);
        Files.write(folder.resolve("DSDT.aml"), new AcpiTables(new Board(1, 64 << 20, 64 << 20, List.of(0))).dsdt());
        source = source("DSDT");
        assertTrue(source.contains("Device (COM1)") && !source.contains("Device (COM2)"), source);
        assertTrue(Pattern.compile("0x04000000, +// Range Minimum\\s+0xFEBFFFFF, +// Range Maximum").matcher(source).find(), "PCI memory begins where RAM ends");
    }
}
