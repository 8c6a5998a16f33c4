package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The text that tells of what a disk consists. */
class DescriptorTest {
    private static final String TEXT = """
        # Disk DescriptorFile
        version=1
        encoding="windows-1252"
        CID=1a2b3c4d
        parentCID=ffffffff
        isNativeSnapshot="no"
        createType="twoGbMaxExtentFlat"

        # Extent description
        RW 4192256 FLAT "Büro-f001.vmdk" 0
        RDONLY 100 FLAT "Büro-f002.vmdk" 63
        RW 28 ZERO

        # The Disk Data Base
        #DDB
        ddb.adapterType = "buslogic"
        ddb.something.new = "kept"
        """;

    private static Descriptor parse(String text, Charset charset) throws Damage { return Descriptor.parse("d.vmdk", text.getBytes(charset), 0); }

    private static String refused(String text) { return assertThrows(Damage.class, () -> parse(text, StandardCharsets.UTF_8)).getMessage(); }

    @Test
    void isReadInItsEncodingAndWrittenAsItWas() throws Damage {
        Charset windows = Charset.forName("windows-1252");
        Descriptor descriptor = parse(TEXT, windows);
        assertEquals(List.of(new ExtentLine("RW", 4192256, "FLAT", "Büro-f001.vmdk", 0), new ExtentLine("RDONLY", 100, "FLAT", "Büro-f002.vmdk", 63),
            new ExtentLine("RW", 28, "ZERO", "", -1)), descriptor.extents());
        assertEquals(4192384, descriptor.blocks());
        assertEquals(0x1a2b3c4d, descriptor.cid());
        assertEquals("kept", descriptor.database().get("ddb.something.new"));
        assertEquals(TEXT, new String(descriptor.bytes(), windows));
    }

    @Test
    void aChangeKeepsWhatIsNotKnown() throws Damage {
        Descriptor changed = parse(TEXT, StandardCharsets.ISO_8859_1).with("CID", "00000007").with("ddb.uuid", "x").with("ddb.adapterType", null)
            .with(List.of(new ExtentLine("RW", 8, "FLAT", "a", 0)));
        assertEquals(7, changed.cid());
        assertEquals(Optional.of("no"), changed.value("isNativeSnapshot"));
        assertEquals(List.of("ddb.something.new", "ddb.uuid"), List.copyOf(changed.database().keySet()));
        assertEquals(8, changed.blocks());
        assertTrue(new String(changed.bytes(), StandardCharsets.ISO_8859_1).contains("# Extent description\nRW 8 FLAT \"a\" 0\n\n# The Disk Data Base"));
    }

    @Test
    void aTextOfWindowsAndZerosBehindItAreRead() throws Damage {
        Descriptor descriptor = parse(TEXT.replace("\n", "\r\n").replace("ü", "u") + "\0\0\0garbage", StandardCharsets.US_ASCII);
        assertEquals("twoGbMaxExtentFlat", descriptor.createType());
        assertEquals(3, descriptor.extents().size());
    }

    @Test
    void whatIsWrongIsToldWithItsPlace() {
        assertEquals("d.vmdk: byte 0: no descriptor of a virtual disk begins here", refused("hello"));
        assertEquals("d.vmdk: byte 0: the descriptor has no createType", refused("# Disk DescriptorFile\n"));
        assertEquals("d.vmdk: byte 22: wrong line of an extent: RW x FLAT \"a\"", refused("# Disk DescriptorFile\nRW x FLAT \"a\"\n"));
        assertEquals("d.vmdk: byte 22: wrong line of an extent: RW 12 FLAT", refused("# Disk DescriptorFile\nRW 12 FLAT\n"));
        assertEquals("d.vmdk: byte 31: the descriptor's encoding klingon is not known", refused("# Disk DescriptorFile\nencoding=klingon\n"));
        assertEquals("d.vmdk: byte 0: the descriptor has no extents", refused("# Disk DescriptorFile\ncreateType=\"vmfs\"\n"));
        assertEquals("d.vmdk: byte 0: CID of the descriptor is no number: xyz", refused("# Disk DescriptorFile\nCID=xyz\ncreateType=\"vmfs\"\nRW 1 FLAT \"a\"\n"));
        assertEquals("d.vmdk: byte 0: the descriptor has a parentCID, but no parentFileNameHint", refused("# Disk DescriptorFile\nparentCID=1\ncreateType=\"vmfs\"\nRW 1 FLAT \"a\"\n"));
    }
}
