package devices.pc.time;

import static devices.pc.TestMachine.MICRO;
import static devices.pc.TestMachine.MILLI;
import static devices.pc.TestMachine.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The clock against its datasheet. The machine's wall clock starts at 2023-11-14 22:13:20 UTC, a Tuesday, 0 ms into the second. */
class Rtc146818Test {
    private final TestMachine pc = TestMachine.board().pics();

    @BeforeEach
    void onlyTheClockInterrupts() {
        pc.out(0x21, 0xFB);
        pc.out(0xA1, 0xFE);
    }

    private int cmos(int index) {
        pc.out(0x70, index);
        return pc.in(0x71);
    }

    private void cmos(int index, int value) {
        pc.out(0x70, index);
        pc.out(0x71, value);
    }

    private String time() {
        return String.format("%02x%02x-%02x-%02x %02x:%02x:%02x /%x", cmos(0x32), cmos(9), cmos(8), cmos(7), cmos(4), cmos(2), cmos(0), cmos(6));
    }

    @Test
    void itShowsTheWallClockInBcd() {
        assertEquals("2023-11-14 22:13:20 /3", time());
        pc.advance(SECOND);
        assertEquals("2023-11-14 22:13:21 /3", time());
        pc.stall(2 * 3600 * SECOND);
        assertEquals("2023-11-15 00:13:21 /4", time());
    }

    @Test
    void itFollowsAJumpOfTheWallClock() {
        pc.wallMillis += 3_600_000;
        assertEquals("2023-11-14 23:13:20 /3", time());
    }

    @Test
    void binaryAndTwelveHours() {
        cmos(0x0B, 0x06);
        assertEquals(22, cmos(4));
        assertEquals(23, cmos(9));
        cmos(0x0B, 0x00);
        assertEquals(0x90, cmos(4), "10 p.m.");
        cmos(0x0B, 0x04);
        assertEquals(0x8A, cmos(4));
        pc.stall(2 * 3600 * SECOND);
        assertEquals(12, cmos(4), "midnight is 12 a.m.");
        pc.stall(12 * 3600 * SECOND);
        assertEquals(0x8C, cmos(4), "noon is 12 p.m.");
    }

    @Test
    void timeIsSetWhileTheSetBitHoldsTheUpdates() {
        pc.advance(300 * MILLI);
        cmos(0x0B, 0x82);
        cmos(0x32, 0x19);
        cmos(9, 0x99);
        cmos(8, 0x12);
        cmos(7, 0x31);
        cmos(4, 0x23);
        cmos(2, 0x59);
        cmos(0, 0x59);
        cmos(6, 6);
        pc.advance(5 * SECOND);
        assertEquals("1999-12-31 23:59:59 /6", time());
        assertEquals(0, cmos(0x0A) & 0x80);
        cmos(0x0B, 0x02);
        pc.advance(699 * MILLI);
        assertEquals("1999-12-31 23:59:59 /6", time());
        pc.advance(2 * MILLI);
        assertEquals("2000-01-01 00:00:00 /7", time());
        pc.stall(60 * 24 * 3600 * SECOND);
        assertEquals("2000-03-01 00:00:00 /4", time(), "a leap year; the day of week goes on from what was set");
    }

    @Test
    void aFieldMayBeWrittenWithoutHolding() {
        cmos(2, 0x45);
        assertEquals("2023-11-14 22:45:20 /3", time());
        pc.advance(SECOND);
        assertEquals("2023-11-14 22:45:21 /3", time());
    }

    @Test
    void theDividerHoldsTheClockAndStartsItHalfASecondBeforeAnUpdate() {
        cmos(0x0A, 0x76);
        pc.advance(10 * SECOND);
        assertEquals(0x20, cmos(0));
        cmos(0x0A, 0x26);
        pc.advance(499 * MILLI);
        assertEquals(0x20, cmos(0));
        pc.advance(2 * MILLI);
        assertEquals(0x21, cmos(0));
    }

    @Test
    void updateInProgressIsShownBeforeTheSecondChanges() {
        pc.advance(997 * MILLI);
        assertEquals(0, cmos(0x0A) & 0x80);
        pc.advance(MILLI);
        assertEquals(0x80, cmos(0x0A) & 0x80);
        pc.advance(1900 * MICRO);
        assertEquals(0x80, cmos(0x0A) & 0x80);
        assertEquals(0x20, cmos(0));
        pc.advance(200 * MICRO);
        assertEquals(0, cmos(0x0A) & 0x80);
        assertEquals(0x21, cmos(0));
    }

    @Test
    void updateEndedInterruptsEverySecond() {
        cmos(0x0B, 0x12);
        cmos(0x0C);
        int count = 0;
        for (int i = 0; i < 10_000; i++) {
            pc.advance(MILLI);
            int vector = pc.take();
            if (vector < 0) continue;
            assertEquals(0x28, vector);
            assertEquals(0x90, cmos(0x0C) & 0xB0);
            pc.out(0xA0, 0x20);
            pc.out(0x20, 0x20);
            count++;
        }
        assertEquals(10, count);
    }

    @Test
    void theInterruptLineStaysUpUntilTheFlagsAreRead() {
        cmos(0x0B, 0x12);
        cmos(0x0C);
        pc.advance(1500 * MILLI);
        assertEquals(0x28, pc.take());
        pc.out(0xA0, 0x20);
        pc.out(0x20, 0x20);
        pc.advance(3 * SECOND);
        assertFalse(pc.intr(), "no new edge");
        cmos(0x0C);
        pc.advance(SECOND);
        assertTrue(pc.intr());
    }

    @Test
    void flagsAreSetWithoutInterrupts() {
        cmos(0x0C);
        assertEquals(0, cmos(0x0C));
        pc.advance(1100 * MILLI);
        assertEquals(0x50, cmos(0x0C), "update and periodic, and no interrupt request");
        assertEquals(0, cmos(0x0C));
    }

    @Test
    void anAlarmMatchesItsTimeOrAnything() {
        cmos(1, 0x30);
        cmos(3, 0x13);
        cmos(5, 0x22);
        cmos(0x0B, 0x22);
        cmos(0x0C);
        pc.advance(9900 * MILLI);
        assertFalse(pc.intr());
        pc.advance(200 * MILLI);
        assertEquals(0x28, pc.take());
        assertEquals(0xA0, cmos(0x0C) & 0xA0);
        pc.out(0xA0, 0x20);
        pc.out(0x20, 0x20);
        cmos(3, 0xFF);
        cmos(5, 0xC0);
        pc.advance(59 * SECOND);
        assertFalse(pc.intr());
        pc.advance(SECOND);
        assertEquals(0x28, pc.take(), "at second 30 of every minute");
    }

    @Test
    void periodicInterruptsComeAtTheirRateAndNoneIsLost() {
        cmos(0x0A, 0x26); // 1024 Hz
        cmos(0x0B, 0x42);
        int count = 0;
        cmos(0x0C);
        for (int i = 0; i < 40; i++) {
            if (i % 2 == 0) pc.stall(50 * MILLI);
            else pc.advance(50 * MILLI);
            for (int vector = pc.take(); vector >= 0; vector = pc.take()) {
                assertEquals(0x28, vector);
                assertEquals(0xC0, cmos(0x0C) & 0xC0);
                pc.out(0xA0, 0x20);
                pc.out(0x20, 0x20);
                count++;
            }
        }
        assertEquals(2048, count, 3);
    }

    @Test
    void ratesOneAndTwoRepeatEightAndNine() {
        int[][] expected = {{1, 256}, {2, 128}, {3, 8192}, {8, 256}, {15, 2}};
        for (int[] rate : expected) {
            cmos(0x0A, 0x20 | rate[0]);
            cmos(0x0C);
            int flags = 0;
            long step = SECOND / rate[1] / 4;
            for (int i = 0; i < 8 * rate[1]; i++) {
                pc.advance(step);
                flags += (cmos(0x0C) & 0x40) >> 6;
            }
            assertEquals(2.0 * rate[1], flags, 2, "rate " + rate[0]);
        }
        cmos(0x0A, 0x20);
        cmos(0x0C);
        pc.advance(SECOND);
        assertEquals(0, cmos(0x0C) & 0x40);
    }

    @Test
    void settingStopsUpdateInterrupts() {
        cmos(0x0B, 0x92);
        assertEquals(0x82, cmos(0x0B));
    }

    @Test
    void memoryKeepsWhatIsWrittenAndRegistersCAndDDoNot() {
        for (int i = 0x0E; i < 0x80; i++) if (i != 0x32) cmos(i, i ^ 0x55);
        for (int i = 0x0E; i < 0x80; i++) if (i != 0x32) assertEquals(i ^ 0x55, cmos(i));
        cmos(0x0D, 0);
        assertEquals(0x80, cmos(0x0D));
        cmos(0x0C, 0xFF);
        assertEquals(0, cmos(0x0C) & 0x8F);
        cmos(0x0A, 0xA6);
        assertEquals(0x26, cmos(0x0A) & 0x7F);
    }

    @Test
    void memorySizesAreInCmos() {
        assertEquals(640, cmos(0x15) | cmos(0x16) << 8);
        assertEquals(0xFFFF, cmos(0x17) | cmos(0x18) << 8);
        assertEquals(0xFFFF, cmos(0x30) | cmos(0x31) << 8);
        assertEquals(240 * 16, cmos(0x34) | cmos(0x35) << 8);
        int sum = 0;
        for (int i = 0x10; i <= 0x2D; i++) sum += cmos(i);
        assertEquals(sum, cmos(0x2E) << 8 | cmos(0x2F));
    }

    @Test
    void nonsenseInTheTimeRegistersDoesNoHarm() {
        cmos(0x0B, 0x82);
        for (int i : new int[] {0, 2, 4, 6, 7, 8, 9, 0x32}) cmos(i, 0xFF);
        cmos(0x0B, 0x02);
        pc.advance(SECOND);
        time();
        cmos(0x0B, 0x82);
        for (int i : new int[] {0, 2, 4, 6, 7, 8, 9, 0x32}) cmos(i, 0);
        cmos(0x0B, 0x02);
        pc.advance(SECOND);
        time();
    }

    @Test
    void theIndexPortCannotBeRead() {
        cmos(0x0F, 0x5A);
        assertEquals(0xFF, pc.in(0x70));
        pc.out(0x70, 0x8F);
        assertEquals(0x5A, pc.in(0x71), "bit 7 masks NMI and is not part of the index");
    }
}
