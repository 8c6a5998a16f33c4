package devices.pc.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The 8254 against its datasheet, clock by clock. */
class Pit8254Test {
    private static final int CONTROL = 3;

    private final Pit8254 pit = new Pit8254();
    private final Pit8254.Counter counter = pit.counter(0);

    @BeforeEach
    void reset() { pit.reset(); }

    private void program(int mode, int access, int... bytes) {
        pit.write(CONTROL, access << 4 | mode << 1);
        for (int value : bytes) pit.write(0, value);
    }

    /** OUT after each of so many clocks: h or l. */
    private String trace(int clocks) {
        StringBuilder trace = new StringBuilder();
        for (int i = 0; i < clocks; i++) {
            pit.advance(0, 1);
            trace.append(counter.out() ? 'h' : 'l');
        }
        return trace.toString();
    }

    private int latched() {
        pit.write(CONTROL, 0);
        return pit.read(0) | pit.read(0) << 8;
    }

    private int status() {
        pit.write(CONTROL, 0xE2);
        return pit.read(0);
    }

    @Test
    void mode0GoesHighCountPlusOneClocksAfterTheWrite() {
        program(0, 3, 4, 0);
        assertFalse(counter.out());
        assertEquals(5, counter.clocksToRise());
        assertEquals("llllhhh", trace(7));
        assertEquals(0xFFFE, latched(), "and the element goes on round");
    }

    @Test
    void mode0StopsAtTheFirstByteOfANewCount() {
        program(0, 3, 4, 0);
        trace(3);
        pit.write(0, 6);
        assertEquals("lllll", trace(5), "half a count: nothing moves");
        pit.write(0, 0);
        assertEquals("llllllh", trace(7));
    }

    @Test
    void mode0IsHeldByItsGate() {
        program(0, 1, 3);
        trace(2);
        counter.gate(false);
        assertEquals(Long.MAX_VALUE, counter.clocksToRise());
        assertEquals("llll", trace(4));
        counter.gate(true);
        assertEquals("lhh", trace(3));
    }

    @Test
    void mode1IsAOneShotThatCanBeTriggeredAgain() {
        counter.gate(false);
        program(1, 1, 3);
        assertEquals("hhh", trace(3));
        counter.gate(true);
        assertEquals("lllhh", trace(5));
        counter.gate(false);
        counter.gate(true);
        assertEquals("ll", trace(2));
        counter.gate(false);
        counter.gate(true);
        assertEquals("lllh", trace(4));
    }

    @Test
    void mode1TakesANewCountAtTheNextTrigger() {
        counter.gate(false);
        program(1, 1, 2);
        counter.gate(true);
        trace(1);
        pit.write(0, 4);
        assertEquals("lh", trace(2));
        counter.gate(false);
        counter.gate(true);
        assertEquals("llllh", trace(5));
    }

    @Test
    void mode2IsLowForTheLastClockOfEachPeriod() {
        program(2, 1, 3);
        assertTrue(counter.out());
        assertEquals("hhlhhlhhl", trace(9));
        assertEquals(1, counter.clocksToRise());
    }

    @Test
    void mode2TakesANewCountAtTheEndOfThePeriod() {
        program(2, 1, 4);
        trace(2);
        pit.write(0, 3);
        assertEquals("hlhhlhhl", trace(8));
    }

    @Test
    void mode2IsStartedAgainByItsGateWithOutHighAtOnce() {
        program(2, 1, 3);
        trace(3);
        assertFalse(counter.out());
        counter.gate(false);
        assertTrue(counter.out());
        assertEquals("hhhhh", trace(5));
        counter.gate(true);
        assertEquals("hhlhhl", trace(6));
    }

    @Test
    void mode3IsASquareWave() {
        program(3, 1, 4);
        assertEquals("hhllhhllh", trace(9));
        program(3, 1, 5);
        assertEquals("hhhllhhhllh", trace(11));
        program(3, 1, 2);
        assertEquals("hlhlh", trace(5));
        program(3, 1, 3);
        assertEquals("hhlhhlh", trace(7));
    }

    @Test
    void mode3CountsByTwo() {
        program(3, 3, 9, 0);
        pit.advance(0, 1);
        assertEquals(8, latched());
        pit.advance(0, 1);
        assertEquals(6, latched());
        program(3, 3, 0, 0);
        pit.advance(0, 1);
        assertEquals(0, latched(), "65536 shows as 0");
        pit.advance(0, 1);
        assertEquals(0xFFFE, latched());
        assertEquals(65536 - 1, counter.clocksToRise());
    }

    @Test
    void mode4StrobesOnce() {
        program(4, 1, 3);
        assertEquals(5, counter.clocksToRise());
        assertEquals("hhhlhhhh", trace(8));
        assertEquals(Long.MAX_VALUE, counter.clocksToRise());
        pit.write(0, 2);
        assertEquals("hhlh", trace(4));
    }

    @Test
    void mode5StrobesAfterEachTrigger() {
        counter.gate(false);
        program(5, 1, 3);
        assertEquals("hhhhhh", trace(6));
        counter.gate(true);
        assertEquals("hhhlh", trace(5));
        counter.gate(false);
        counter.gate(true);
        assertEquals("hhhlh", trace(5));
    }

    @Test
    void countZeroIsTheLongest() {
        program(2, 3, 0, 0);
        assertEquals(1 + 65536, counter.clocksToRise());
        pit.write(CONTROL, 0x35); // BCD
        pit.write(0, 0);
        pit.write(0, 0);
        assertEquals(1 + 10000, counter.clocksToRise());
    }

    @Test
    void bcdCountsInDecimal() {
        pit.write(CONTROL, 0x31);
        pit.write(0, 0x00);
        pit.write(0, 0x12);
        pit.advance(0, 2);
        assertEquals(0x1199, latched());
        pit.advance(0, 1199);
        assertEquals(0, latched());
        pit.advance(0, 1);
        assertEquals(0x9999, latched());
    }

    @Test
    void aLatchedCountStandsUntilItIsRead() {
        program(2, 3, 0xE8, 3);
        pit.advance(0, 1);
        pit.write(CONTROL, 0);
        pit.advance(0, 100);
        pit.write(CONTROL, 0); // ignored, the first is not read yet
        assertEquals(0xE8, pit.read(0));
        pit.advance(0, 100);
        assertEquals(3, pit.read(0));
        assertEquals(1000 - 200, latched());
    }

    @Test
    void oneByteAccessReadsOneByte() {
        program(2, 2, 4); // MSB only: 400h
        pit.advance(0, 2);
        assertEquals(3, pit.read(0));
        assertEquals(3, pit.read(0));
        program(2, 1, 9);
        pit.advance(0, 2);
        assertEquals(8, pit.read(0));
        assertEquals(8, pit.read(0));
    }

    @Test
    void readBackGivesStatusThenCount() {
        program(3, 3, 0x10, 0);
        assertEquals(0x80 | 0x40 | 0x36, status(), "null count: not in the element yet");
        pit.advance(0, 1);
        assertEquals(0x80 | 0x36, status());
        pit.advance(0, 8);
        pit.write(CONTROL, 0xC2);
        pit.advance(0, 3);
        assertEquals(0x36, pit.read(0), "OUT is low");
        assertEquals(0x10, pit.read(0));
        assertEquals(0, pit.read(0));
    }

    @Test
    void readBackLatchesSeveralCountersAtOnce() {
        pit.write(CONTROL, 0x74);
        pit.write(1, 100);
        pit.write(1, 0);
        pit.write(CONTROL, 0xB4);
        pit.write(2, 50);
        pit.write(2, 0);
        pit.advance(1, 11);
        pit.advance(2, 11);
        pit.write(CONTROL, 0xDC);
        pit.advance(1, 5);
        pit.advance(2, 5);
        assertEquals(90, pit.read(1) | pit.read(1) << 8);
        assertEquals(40, pit.read(2) | pit.read(2) << 8);
    }

    @Test
    void nullCountStaysUntilANewCountIsTakenOver() {
        program(2, 3, 10, 0);
        pit.advance(0, 2);
        assertEquals(0, status() & 0x40);
        pit.write(0, 5);
        assertEquals(0, status() & 0x40, "half of it is none");
        pit.write(0, 0);
        assertEquals(0x40, status() & 0x40);
        pit.advance(0, 8);
        assertEquals(0x40, status() & 0x40);
        pit.advance(0, 1);
        assertEquals(0, status() & 0x40);
    }

    @Test
    void modes6And7Are2And3() {
        program(6, 1, 3);
        assertEquals("hhlhhl", trace(6));
        assertEquals(0x80 >> 8 | 6 << 1 | 0x10, status() & 0x3F);
        program(7, 1, 4);
        assertEquals("hhllhh", trace(6));
    }

    @Test
    void aControlWordStopsTheCounter() {
        program(2, 1, 3);
        trace(2);
        pit.write(CONTROL, 0x14);
        assertEquals("hhhhhh", trace(6));
        assertEquals(Long.MAX_VALUE, counter.clocksToRise());
        pit.write(CONTROL, 0x10);
        assertFalse(counter.out());
    }

    @Test
    void countOneIsIllegalAndHarmless() {
        for (int mode : new int[] {2, 3}) {
            program(mode, 1, 1);
            assertEquals(0, pit.advance(0, 1_000_000_000_000L));
            assertEquals(Long.MAX_VALUE, counter.clocksToRise());
        }
    }

    @Test
    void manyClocksAtOnceAreTheSameAsOneByOne() {
        Random random = new Random(8254);
        for (int round = 0; round < 3000; round++) {
            Pit8254 fast = new Pit8254(), slow = new Pit8254();
            fast.reset();
            slow.reset();
            for (int step = 0; step < 12; step++) {
                int action = random.nextInt(5), value = random.nextInt(20), word = random.nextInt(64), clocks = random.nextInt(random.nextBoolean() ? 9 : 400);
                long fastRises = 0, slowRises = 0;
                for (Pit8254 pit : new Pit8254[] {fast, slow}) {
                    switch (action) {
                        case 0 -> pit.write(CONTROL, word);
                        case 1 -> pit.counter(0).gate((value & 1) != 0);
                        default -> pit.write(0, action == 2 ? 0 : value);
                    }
                }
                fastRises = fast.advance(0, clocks);
                long expected = slow.counter(0).clocksToRise();
                for (int i = 1; i <= clocks; i++) {
                    long rises = slow.advance(0, 1);
                    if (rises > 0 && slowRises == 0) assertEquals(expected, i, "clocksToRise, round " + round);
                    slowRises += rises;
                }
                assertTrue(slowRises > 0 || expected > clocks, "a promised rise did not come, round " + round);
                assertEquals(slowRises, fastRises, "round " + round);
                fast.write(CONTROL, 0xC2);
                slow.write(CONTROL, 0xC2);
                for (int i = 0; i < 3; i++) assertEquals(slow.read(0), fast.read(0), "round " + round);
            }
        }
    }
}
