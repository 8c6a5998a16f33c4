package host.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import vmkernel.api.hardware.PciAddress;

class HardwareFileTest {
    private static HardwareFile read(String text) throws IOException { return HardwareFile.read("f", new StringReader(text)); }

    @Test
    void valuesMayBeQuotedOrNotAndHaveCommentsBehind() throws IOException {
        HardwareFile file = read("a=1\n  b = two words # no\n#c = 3\nD = \"4 # 5\" # 6\n\ne = \"\"\n");
        assertEquals(List.of(), file.complaints());
        assertEquals("1", file.board().text("a", null));
        assertEquals("two words", file.board().text("b", null));
        assertFalse(file.board().has("c"));
        assertEquals("4 # 5", file.board().text("d", null));
        assertEquals("", file.board().text("e", null));
    }

    @Test
    void keysOfADeviceAreGatheredWhereverTheyStand() throws IOException {
        HardwareFile file = read("pci.1:2.3.a = 1\nmemory = 8\nPCI.001:02.3.unit0.File = x\n");
        assertEquals(List.of(), file.complaints());
        assertEquals("1", file.devices().get(new PciAddress(1, 2, 3)).text("A", null));
        assertEquals("x", file.devices().get(new PciAddress(1, 2, 3)).under("unit0.").text("file", null));
    }

    @Test
    void anyTextIsReadWithoutAnException() throws IOException {
        Random random = new Random(7);
        String[] pieces = {"pci.", "001:03.0", ".", "model", "=", "\"", "smartarray5i", "unit0.file", "unit0.size", "8G", "#", " ", "\n", "\n", "\t", "memory", "64", "ü", "\0", "i82559", "mac"};
        for (int round = 0; round < 2000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(60); i > 0; i--) text.append(pieces[random.nextInt(pieces.length)]);
            HardwareFile read = read(text.toString());
            for (String complaint : read.complaints()) assertFalse(complaint.contains("\n"), complaint);
        }
        byte[] bytes = new byte[5000];
        random.nextBytes(bytes);
        read(new String(bytes, StandardCharsets.ISO_8859_1));
    }
}
