package firmware.bios.tables;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Encodings that the DSDT does not happen to use at their edges; what it uses is checked by the compiler. */
class AmlTest {
    @Test
    void lengthsTakeAsManyBytesAsTheyNeed() {
        for (int bytes = 0; bytes < 5000; bytes++) {
            byte[] scope = Aml.scope("X", Aml.buffer(new byte[bytes])).bytes();
            int more = (scope[1] & 0xFF) >> 6, length = more == 0 ? scope[1] & 0x3F : scope[1] & 0xF;
            for (int i = 1; i <= more; i++) length |= (scope[1 + i] & 0xFF) << 8 * i - 4;
            assertEquals(scope.length - 1, length, bytes + " bytes: the length counts itself");
            assertEquals(length < 0x40 ? 1 : length < 0x1000 ? 2 : 3, more + 1, bytes + " bytes");
        }
    }

    @Test
    void numbersTakeTheirShortestForm() {
        assertArrayEquals(new byte[] {0}, Aml.number(0).bytes());
        assertArrayEquals(new byte[] {1}, Aml.number(1).bytes());
        assertArrayEquals(new byte[] {0x0A, (byte) 0xFF}, Aml.number(0xFF).bytes());
        assertArrayEquals(new byte[] {0x0B, 0, 1}, Aml.number(0x100).bytes());
        assertArrayEquals(new byte[] {0x0C, 0, 0, 1, 0}, Aml.number(0x10000).bytes());
        assertArrayEquals(new byte[] {0x0E, 0, 0, 0, 0, 1, 0, 0, 0}, Aml.number(1L << 32).bytes());
    }
}
