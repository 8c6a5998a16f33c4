package devices.pc.time;

import static devices.pc.TestMachine.MICRO;
import static devices.pc.TestMachine.MILLI;
import static devices.pc.TestMachine.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.Test;

/** The timer in its socket: IRQ 0, late ticks, speaker. */
class IntervalTimerTest {
    private final TestMachine pc = TestMachine.board().pics();

    private void rate(int mode, int hertz) {
        int count = 1193182 / hertz;
        pc.out(0x43, 0x30 | mode << 1);
        pc.out(0x40, count & 0xFF, count >> 8);
        pc.serviceAll(0x20);
    }

    private int ticks(long nanos) {
        int ticks = 0;
        for (long end = pc.now + nanos; pc.now < end; ticks += pc.serviceAll(0x20)) pc.advance(100 * MICRO);
        return ticks;
    }

    @Test
    void periodicModesTickAtTheirRate() {
        for (int mode : new int[] {2, 3}) {
            rate(mode, 1000);
            assertEquals(1000, ticks(SECOND), 2, "mode " + mode);
        }
    }

    @Test
    void aOneShotTicksOnceAndNotEarly() {
        for (int mode : new int[] {0, 4}) {
            pc.out(0x43, 0x30 | mode << 1);
            pc.serviceAll(0x20);
            pc.out(0x40, 11932 & 0xFF, 11932 >> 8); // 10 ms
            pc.advance(9_999 * MICRO);
            assertFalse(pc.intr(), "mode " + mode);
            pc.advance(10 * MICRO);
            assertEquals(0x20, pc.take());
            pc.out(0x20, 0x20);
            assertEquals(0, ticks(SECOND));
        }
    }

    @Test
    void missedTicksComeOneAfterAnotherAndNoneIsLost() {
        rate(2, 1000);
        int ticks = 0;
        for (int i = 0; i < 10; i++) {
            pc.stall(300 * MILLI);
            ticks += pc.serviceAll(0x20);
        }
        assertEquals(3000, ticks, 2);
    }

    @Test
    void theNextLateTickWaitsForTheAcknowledge() {
        rate(2, 100);
        pc.stall(50 * MILLI);
        assertEquals(0x20, pc.take());
        assertFalse(pc.intr(), "the first is in service");
        pc.out(0x20, 0x20);
        assertTrue(pc.intr());
    }

    @Test
    void afterALongPauseOnlySomeSecondsOfTicksAreLeft() {
        rate(2, 100);
        for (long hours : new long[] {1, 100}) {
            pc.stall(hours * 3600 * SECOND);
            int ticks = pc.serviceAll(0x20);
            assertTrue(ticks >= 400 && ticks <= 501, "five seconds: " + ticks);
        }
    }

    @Test
    void maskedTicksAreNotKept() {
        pc.out(0x21, 1);
        rate(2, 100);
        pc.stall(SECOND);
        pc.out(0x21, 0);
        assertEquals(1, pc.serviceAll(0x20), "the request register holds one");
    }

    @Test
    void ticksAreKeptOnTheWayThroughTheIoApicToo() {
        pc.out(0x21, 0xFF);
        pc.write(0xFEE000F0L, 0x1FF);
        pc.write(0xFEC00000L, 0x10 + 2 * 2 + 1);
        pc.write(0xFEC00010L, 0);
        pc.write(0xFEC00000L, 0x10 + 2 * 2);
        pc.write(0xFEC00010L, 0x31);
        rate(2, 1000);
        pc.take();
        pc.write(0xFEE000B0L, 0);
        pc.stall(200 * MILLI);
        int ticks = 0;
        while (pc.intr()) {
            assertEquals(0x31, pc.acknowledge());
            pc.write(0xFEE000B0L, 0);
            ticks++;
        }
        assertEquals(200, ticks, 2);
    }

    @Test
    void aCountIsNeverAheadOfItsTick() {
        rate(2, 100);
        long last = 0;
        int ticks = 0;
        for (int i = 0; i < 3000; i++) {
            pc.now += 137 * MICRO; // the host's timer thread sleeps; only the guest's accesses come in
            pc.out(0x43, 0x00);
            int count = pc.in(0x40) | pc.in(0x40) << 8;
            ticks += pc.serviceAll(0x20);
            long time = ticks * 11931L + (11931 - count);
            assertTrue(time >= last, "time went back at read " + i);
            last = time;
        }
    }

    @Test
    void anAbsurdRateDoesNotHang() {
        pc.out(0x43, 0x34);
        pc.out(0x40, 2, 0);
        pc.advance(100 * MILLI);
        assertTrue(pc.intr());
        for (int i = 0; i < 100; i++) {
            pc.take();
            pc.out(0x20, 0x20);
        }
    }

    @Test
    void port61GatesAndShowsCounter2() {
        pc.out(0x61, 0);
        pc.out(0x43, 0xB0);
        pc.out(0x42, 0x9C, 0x2E); // 11932: 10 ms
        pc.advance(20 * MILLI);
        assertEquals(0, pc.in(0x61) & 0x20, "the gate is low");
        pc.out(0x61, 1);
        pc.advance(9 * MILLI);
        assertEquals(0, pc.in(0x61) & 0x20);
        pc.advance(2 * MILLI);
        assertEquals(0x20, pc.in(0x61) & 0x20);
        assertEquals(1, pc.in(0x61) & 0x0F);
    }

    @Test
    void theRefreshBitToggles() {
        int changes = 0, last = pc.in(0x61) & 0x10;
        for (int i = 0; i < 1000; i++) {
            pc.advance(5 * MICRO);
            int now = pc.in(0x61) & 0x10;
            if (now != last) changes++;
            last = now;
        }
        assertEquals(5000 / 15.085, changes, 3);
    }
}
