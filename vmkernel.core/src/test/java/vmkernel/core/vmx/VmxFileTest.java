package vmkernel.core.vmx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;

class VmxFileTest {
    private static final Path FILE = Path.of("/vm/web.vmx");
    private static final String TEXT = """
        #!/usr/bin/vmware
        config.version = "6"
          displayName="Web Server"   # the name
        memsize = "256"\r

        Guest.Unknown.Key = "kept | as it is"
        annotation = "two|0Alines, a |22quote|22 and a |7C"
        virtualHW.version = 3   # no quotes
        empty = ""
        # the end""";

    @Test
    void keysCommentsQuotesAndSpacingAreUnderstood() throws Exception {
        VmConfig config = VmxFile.parse(FILE, TEXT).config();
        assertEquals(List.of("config.version", "displayName", "memsize", "Guest.Unknown.Key", "annotation", "virtualHW.version", "empty"), config.keys());
        assertEquals("Web Server", config.text("DISPLAYNAME", ""));
        assertEquals("256", config.text("memsize", ""));
        assertEquals("kept | as it is", config.text("guest.unknown.key", ""));
        assertEquals("two\nlines, a \"quote\" and a |", config.text("annotation", ""));
        assertEquals("3", config.text("virtualhw.version", ""));
        assertEquals("", config.text("empty", "absent"));
    }

    @Test
    void whatIsNotChangedStaysByteForByte() throws Exception {
        assertEquals(TEXT, VmxFile.parse(FILE, TEXT).text());
        String changed = VmxFile.parse(FILE, TEXT).with("DisplayName", "Say \"hi\"").with("MEMSIZE", "512").with("new.key", "1").with("virtualHW.version", "4").text();
        assertEquals(TEXT.replace("\"Web Server\"", "\"Say |22hi|22\"").replace("\"256\"", "\"512\"").replace("= 3 ", "= \"4\" ") + "\nnew.key = \"1\"\n", changed);
        assertEquals("a = \"1\"\n", VmxFile.parse(FILE, "").with("a", "1").text());
        assertEquals("a = \"1\"\nb = \"2\"\n", VmxFile.parse(FILE, "a = \"1\"\n").with("b", "2").text());
    }

    private static void broken(String message, String text) {
        assertEquals(message, assertThrows(VmConfigException.class, () -> VmxFile.parse(FILE, text)).getMessage());
    }

    @Test
    void aBrokenLineIsNamedWithFileLineAndFault() {
        broken("/vm/web.vmx:2: key = \"value\" is needed: memsize 256", "a = \"1\"\nmemsize 256\n");
        broken("/vm/web.vmx:1: key = \"value\" is needed: = \"1\"", "= \"1\"");
        broken("/vm/web.vmx:1: the value of memsize has no closing quote: memsize = \"256", "memsize = \"256");
        broken("/vm/web.vmx:1: text after the closing quote; a quote within a value is written |22: a = \"b\"c\"", "a = \"b\"c\"");
        broken("/vm/web.vmx:3: the value of x is missing: x =", "\n\nx =   \n");
        broken("/vm/web.vmx:1: a quote within the value of x; it is written |22: x = a\"b", "x = a\"b");
        broken("/vm/web.vmx:3: MemSize is set already on line 1", "memsize = \"4\"\n\nMemSize = \"8\"");
        broken("/vm/web.vmx:1: key = \"value\" is needed: ?ELF??", "\u007fELF\u0001\u0002".replace('\u007f', '\u0003'));
    }

    @Test
    void writingAndParsingGivesTheSameConfiguration() throws Exception {
        Random random = new Random(11);
        String keyCharacters = "abcXYZ019.:_-+/";
        String valueCharacters = "ab 01|\"#=\\\t\n\r\u0000\u007fäß漢'$";
        for (int round = 0; round < 3000; round++) {
            Map<String, String> values = new LinkedHashMap<>();
            VmxFile file = VmxFile.parse(FILE, random.nextBoolean() ? "" : "# comment\n");
            List<String> lower = new ArrayList<>();
            for (int i = random.nextInt(6); i > 0; i--) {
                String key = text(random, keyCharacters, 1 + random.nextInt(6));
                String value = text(random, valueCharacters, random.nextInt(12));
                if (lower.contains(key.toLowerCase())) continue;
                lower.add(key.toLowerCase());
                values.put(key, value);
                file = file.with(key, value);
            }
            assertEquals(values, file.config().values());
            VmxFile again = VmxFile.parse(FILE, file.text());
            assertEquals(new ArrayList<>(values.entrySet()), new ArrayList<>(again.config().values().entrySet()), file.text());
            assertEquals(file.text(), again.text());
            // changing a value and changing it back leaves nothing behind
            for (String key : values.keySet()) {
                assertEquals(again.config().values(), VmxFile.parse(FILE, again.with(key, "x|\"").with(key, values.get(key)).text()).config().values());
            }
        }
    }

    private static String text(Random random, String alphabet, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        return text.toString();
    }

    @Test
    void noTextMakesTheParserThrowAnythingElse() {
        Random random = new Random(99);
        String alphabet = "ab=\"|#\n\r\t 0A.:\u0000\uD800\u007f";
        int accepted = 0;
        for (int round = 0; round < 30_000; round++) {
            String text = random.nextInt(4) == 0 ? mutated(random) : text(random, alphabet, random.nextInt(40));
            try {
                VmxFile file = VmxFile.parse(FILE, text);
                assertEquals(text, file.text());
                Hardware.of(file.with("memsize", "8").config());
                accepted++;
            } catch (VmConfigException e) {
                assertFalse(e.getMessage().contains("\n"), e.getMessage());
                assertTrue(e.getMessage().startsWith("/vm/web.vmx"), e.getMessage());
            }
        }
        assertTrue(accepted > 1500, "the fuzz reaches only errors");
    }

    private static String mutated(Random random) {
        StringBuilder text = new StringBuilder(TEXT);
        for (int i = random.nextInt(6); i > 0; i--) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(3)) {
                case 0 -> text.deleteCharAt(at);
                case 1 -> text.insert(at, (char) random.nextInt(0x250));
                default -> text.setCharAt(at, "\"=|\n#".charAt(random.nextInt(5)));
            }
        }
        return text.toString();
    }

    @Test
    void filesAreReplacedAsAWholeAndKeepTheirPermissions(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("a.vmx");
        Files.writeString(file, TEXT);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x---"));
        Path link = Files.createSymbolicLink(folder.resolve("link.vmx"), file);
        VmxFile.read(link).with("memsize", "64").write();
        assertEquals(TEXT.replace("256", "64"), Files.readString(file));
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("rwxr-x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        try (var left = Files.list(folder)) {
            assertEquals(2, left.count());
        }
    }

    @Test
    void oldEncodingsGoBackAsTheyCame(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("a.vmx");
        byte[] latin = "displayName = \"B\u00fcro\"\nmemsize = \"4\"\n".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(file, latin);
        VmxFile read = VmxFile.read(file);
        assertEquals("B\u00fcro", read.config().text("displayName", ""));
        read.with("memsize", "8").write();
        latin[latin.length - 3] = '8';
        assertArrayEquals(latin, Files.readAllBytes(file));
    }

    @Test
    void whatIsNoFileIsNamed(@TempDir Path folder) throws Exception {
        assertEquals(folder + "/none.vmx: no such file", assertThrows(VmConfigException.class, () -> VmxFile.read(folder.resolve("none.vmx"))).getMessage());
        assertEquals(folder + ": is not a file", assertThrows(VmConfigException.class, () -> VmxFile.read(folder)).getMessage());
        Path disk = Files.write(folder.resolve("disk.vmdk"), new byte[2 << 20]);
        assertEquals(disk + ": larger than 1 MB; is it a .vmx file?", assertThrows(VmConfigException.class, () -> VmxFile.read(disk)).getMessage());
    }
}
