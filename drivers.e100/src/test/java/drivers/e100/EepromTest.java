package drivers.e100;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;

/** EEPROMs of both sizes, bit by bit as their datasheets draw it. */
class EepromTest {
    /** A Microwire EEPROM at register 0E: data is taken and given at rising edges of the clock; a zero comes after the address. */
    private static final class Microwire implements PciDevice {
        private final int[] words;
        private final int commandBits;
        private int pins, out = 1, shift, count;

        Microwire(int[] words) {
            this.words = words;
            commandBits = 3 + Integer.numberOfTrailingZeros(words.length);
        }

        @Override
        public void write(int bar, int offset, int bytes, long value) {
            assertEquals(0x0E, offset);
            boolean rising = (pins & 1) == 0 && (value & 1) != 0;
            pins = (int) value;
            if ((pins & 2) == 0) {
                count = shift = 0;
                out = 1;
            } else if (rising) {
                clock(pins >> 2 & 1);
            }
        }

        private void clock(int bit) {
            if (count == 0 && bit == 0) return; // waits for the start bit
            count++;
            if (count < commandBits) {
                shift = shift << 1 | bit;
            } else if (count == commandBits) {
                shift = shift << 1 | bit;
                assertEquals(0b110, shift / words.length, "only reads");
                shift = words[shift % words.length];
                out = 0;
            } else {
                out = shift >> 15 - (count - commandBits - 1) & 1;
            }
        }

        @Override public long read(int bar, int offset, int bytes) { return pins & 7 | out << 3; }
        @Override public int windowBytes(int bar) { return 4096; }
        @Override public PciAddress address() { return new PciAddress(0, 0, 0); }
        @Override public PciId id() { return new PciId(0x8086, 0x1229, 0, 0, 0x020000, 8); }
        @Override public int readConfig(int offset, int bytes) { return 0; }
        @Override public void writeConfig(int offset, int bytes, int value) {}
        @Override public DmaBuffer allocate(int bytes, int alignment) { throw new IllegalStateException(); }
        @Override public void onInterrupt(InterruptHandler handler) {}
        @Override public void reset() {}
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 256})
    void itsSizeIsFoundAndAllWordsAreRead(int size) throws Exception {
        int[] words = new Random(size).ints(size, 0, 0x10000).toArray();
        assertArrayEquals(words, Eeprom.read(new Csr(new Microwire(words))).orElseThrow());
    }

    @Test
    void theAddressIsInTheFirstThreeWordsAndTheSumIsBaba() {
        int[] words = {0x1100, 0x3322, 0x5544, 0};
        assertEquals(0x0011_2233_4455L, Eeprom.address(words));
        assertFalse(Eeprom.intact(words));
        words[3] = 0xBABA - (0x1100 + 0x3322 + 0x5544) & 0xFFFF;
        assertTrue(Eeprom.intact(words));
    }

    @Test
    void theModuleServesTheFamily() {
        E100 module = new E100();
        for (int device : new int[] {0x1229, 0x1209, 0x1029, 0x1030, 0x103E, 0x2449}) assertTrue(module.matches(new PciId(0x8086, device, 0, 0, 0x020000, 8)));
        for (int device : new int[] {0x1028, 0x103F, 0x100E}) assertFalse(module.matches(new PciId(0x8086, device, 0, 0, 0x020000, 8)));
        assertFalse(module.matches(new PciId(0x0E11, 0x1229, 0, 0, 0x020000, 8)));
    }
}
