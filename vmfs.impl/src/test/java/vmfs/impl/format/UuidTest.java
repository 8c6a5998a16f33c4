package vmfs.impl.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class UuidTest {
    @Test
    void theBytesThatEsxWroteAreTheTextThatEsxShows() {
        byte[] disk = HexFormat.of().parseHex("d57d1361107872d0c27a000c29801686");
        Uuid uuid = Uuid.read(ByteBuffer.wrap(disk).order(ByteOrder.LITTLE_ENDIAN), 0);
        assertEquals("61137dd5-d0727810-7ac2-000c29801686", uuid.toString());
        assertEquals(uuid, Uuid.parse("61137DD5-d0727810-7ac2-000c29801686"));
        ByteBuffer again = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        uuid.write(again, 0);
        assertEquals(HexFormat.of().formatHex(disk), HexFormat.of().formatHex(again.array()));
    }

    @Test
    void otherTextsAreRefused() { assertThrows(IllegalArgumentException.class, () -> Uuid.parse("61137dd5-d0727810-7ac2")); }
}
