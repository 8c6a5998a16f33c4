package vmkernel.api.files.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class SizesTest {
    @Test
    void sizesAreReadAsPeopleWriteThem() {
        assertEquals(4096, Sizes.parse("4096"));
        assertEquals(1 << 20, Sizes.parse("1m"));
        assertEquals(10L << 30, Sizes.parse("10G"));
        assertEquals(2L << 40, Sizes.parse("2TiB"));
        assertEquals(512 << 10, Sizes.parse("512KB"));
        for (String wrong : new String[] {"", "m", "-1", "1.5g", "10x", "9999999999t"}) assertThrows(IllegalArgumentException.class, () -> Sizes.parse(wrong), wrong);
        assertEquals("\"ten\" is no size; give one such as 4096, 512m or 10g", assertThrows(IllegalArgumentException.class, () -> Sizes.parse("ten")).getMessage());
    }

    @Test
    void sizesAreShownInFiveCharacters() {
        assertEquals("0", Sizes.human(0));
        assertEquals("1023", Sizes.human(1023));
        assertEquals("1.0K", Sizes.human(1024));
        assertEquals("9.9K", Sizes.human(10_150));
        assertEquals("10K", Sizes.human(10_220));
        assertEquals("1.0M", Sizes.human((1 << 20) - 1));
        assertEquals("1.5G", Sizes.human(3L << 29));
        assertEquals("64T", Sizes.human(64L << 40));
        assertEquals("8.0E", Sizes.human(Long.MAX_VALUE));
    }
}
