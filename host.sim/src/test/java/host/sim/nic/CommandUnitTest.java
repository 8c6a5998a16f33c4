package host.sim.nic;

import static host.sim.nic.TestDriver.BLOCK;
import static host.sim.nic.TestDriver.BUFFERS;
import static host.sim.nic.TestDriver.EL;
import static host.sim.nic.TestDriver.I;
import static host.sim.nic.TestDriver.MAC;
import static host.sim.nic.TestDriver.S;
import static host.sim.nic.TestDriver.STATISTICS;
import static host.sim.nic.TestDriver.addresses;
import static host.sim.nic.TestDriver.frame;
import static host.sim.nic.TestDriver.simplified;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** States of the CU, action commands, and dumps of the counters. */
class CommandUnitTest {
    private static final int NOP = 0, CX = 0x80, CNA = 0x20, IDLE = 0, SUSPENDED = 1, DONE = 0xA000, NEXT = BLOCK + 0x100, THIRD = BLOCK + 0x200;
    private static final int START = 0x10, RESUME = 0x20, LOAD_DUMP = 0x40, DUMP = 0x50, LOAD_BASE = 0x60, DUMP_RESET = 0x70, STATIC_RESUME = 0xA0;

    private TestDriver driver = new TestDriver();

    @AfterEach
    void powerOff() { driver.close(); }

    private void is(String model) {
        driver.close();
        driver = new TestDriver(model);
    }

    @Test
    void everyActionCommandCompletesWithCAndOk() {
        byte[] configuration = {22, 8};
        for (int command : new int[] {0, 1, 3, 4, 5, 7}) assertEquals(DONE, driver.run(command, new byte[64]), "command " + command);
        assertEquals(DONE, driver.run(2, configuration));
        assertEquals(DONE, driver.run(6, new byte[] {0, 0, 8, 0}));
    }

    @Test
    void atTheEndOfTheListTheUnitIsIdleAndTellsSo() {
        driver.block(BLOCK, NOP, NEXT);
        driver.block(NEXT, NOP | EL, THIRD);
        driver.block(THIRD, NOP | EL, 0);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(IDLE);
        assertEquals(DONE, driver.word(NEXT));
        assertEquals(0, driver.word(THIRD));
        assertEquals(CNA, driver.causes());
        assertTrue(driver.slot.raised());
    }

    @Test
    void theIBitTellsThatItsCommandIsDone() {
        driver.run(NOP);
        assertEquals(CNA, driver.causes());
        driver.run(NOP | I);
        assertEquals(CX | CNA, driver.causes());
    }

    @Test
    void aSuspendedUnitGoesOnAfterSIsClearedAndAResume() {
        driver.block(BLOCK, NOP | S, NEXT);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(SUSPENDED);
        assertEquals(CNA, driver.causes());
        driver.block(THIRD, NOP | S, 0);
        driver.dword(BLOCK + 4, THIRD); // the link is read anew, too
        driver.word(BLOCK + 2, NOP);
        driver.command(RESUME, 0);
        driver.awaitDone(THIRD);
        driver.awaitCommandUnit(SUSPENDED);
    }

    @Test
    void aResumeWhileSIsStillSetChangesNothing() {
        driver.block(BLOCK, NOP | S, NEXT);
        driver.block(NEXT, NOP | EL, 0);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(SUSPENDED);
        driver.command(RESUME, 0);
        driver.awaitCommandUnit(SUSPENDED);
        assertEquals(0, driver.word(NEXT));
        driver.command(STATIC_RESUME, 0);
        driver.awaitDone(NEXT);
        driver.awaitCommandUnit(IDLE);
    }

    @Test
    void the82557HasNoStaticResume() {
        is("82557");
        driver.block(BLOCK, NOP | S, NEXT);
        driver.block(NEXT, NOP | EL, 0);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(SUSPENDED);
        driver.command(STATIC_RESUME, 0);
        driver.command(DUMP, 0);
        assertEquals(SUSPENDED, driver.commandUnit());
        assertEquals(0, driver.word(NEXT));
    }

    @Test
    void anIdleUnitIgnoresAResume() {
        driver.block(0, NOP | EL, 0);
        driver.command(RESUME, 0);
        assertEquals(DONE, driver.run(NOP));
        assertEquals(0, driver.word(0));
    }

    @Test
    void cnaCanBeConfiguredToTellOfIdleOnly() {
        driver.configure(6, 0x3A);
        driver.out(1, 1, 0xFF);
        driver.block(BLOCK, NOP | S, NEXT);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(SUSPENDED);
        assertEquals(0, driver.causes());
        driver.run(NOP);
        assertEquals(CNA, driver.causes());
    }

    @Test
    void listsAreRelativeToTheBase() {
        driver.command(LOAD_BASE, 0x4000);
        driver.block(0x4000 + 0x100, NOP, 0x200);
        driver.block(0x4000 + 0x200, NOP | EL, 0);
        driver.command(START, 0x100);
        driver.awaitDone(0x4200);
        driver.awaitCommandUnit(IDLE);
    }

    @Test
    void aListOutsideMemoryLeavesTheUnitIdle() {
        driver.command(START, 0xFFFF_FFF8);
        driver.awaitCommandUnit(IDLE);
        assertEquals(CNA, driver.causes() & CNA);
        assertEquals(DONE, driver.run(NOP));
    }

    @Test
    void nothingIsDoneWhileBusMasteringIsOff() {
        driver.slot.mastering = false;
        driver.block(BLOCK, NOP | EL, 0);
        driver.command(START, BLOCK);
        driver.awaitCommandUnit(IDLE);
        driver.slot.mastering = true;
        assertEquals(0, driver.word(BLOCK));
    }

    @Test
    void aListInACircleDoesNotKeepAResetOut() {
        driver.block(BLOCK, NOP, NEXT);
        driver.block(NEXT, 4, BLOCK, simplified(frame("ff:ff:ff:ff:ff:ff", 60)));
        driver.command(START, BLOCK);
        driver.wire.frame(5000);
        assertEquals(2, driver.commandUnit());
        driver.out(8, 4, 0);
        assertEquals(IDLE, driver.commandUnit());
        driver.word(BLOCK, 0);
        assertEquals(DONE, driver.run(NOP));
    }

    @Test
    void configureChangesOnlyAsManyBytesAsItSays() {
        driver.configure(15, 0x49);
        assertEquals(DONE, driver.run(2, new byte[] {3, 0x0A, 0x55, 0x66}));
        byte[] dump = dump();
        assertArrayEquals(new byte[] {3, 0x0A, 0x55, 0}, Arrays.copyOf(dump, 4));
        assertEquals(0x49, dump[15]);
    }

    @Test
    void aDumpHas596Bytes() {
        driver.run(1, addresses(0, "00:11:22:33:44:55"));
        byte[] around = new byte[600];
        Arrays.fill(around, (byte) 0x7E);
        driver.bytes(BUFFERS, around);
        byte[] dump = dump();
        assertEquals(0x22, dump[34], "the individual address is in it");
        assertEquals(0, dump[595]);
        assertEquals(0x7E, driver.slot.bytes.get(BUFFERS + 596));
    }

    private byte[] dump() {
        assertEquals(DONE, driver.run(6, new byte[] {0, 0, 8, 0}));
        return driver.bytes(BUFFERS, 596);
    }

    // -- counters --

    private void dumped(int command, int offset, int completion) {
        driver.dword(STATISTICS + offset, 0);
        driver.command(LOAD_DUMP, STATISTICS);
        driver.command(command, 0);
        TestSlot.await("the completion word at " + offset, () -> driver.dword(STATISTICS + offset) == completion);
    }

    @Test
    void countersAreDumpedAndClearedIfAsked() {
        driver.run(4, simplified(frame("ff:ff:ff:ff:ff:ff", 60)));
        driver.run(4, simplified(frame("ff:ff:ff:ff:ff:ff", 60)));
        driver.listen(1);
        driver.receive(frame(MAC.toString(), 60), frame(MAC.toString(), 60), frame(MAC.toString(), 60));
        dumped(DUMP, 64, 0xA005);
        assertEquals(2, driver.dword(STATISTICS), "sent");
        assertEquals(1, driver.dword(STATISTICS + 4 * 9), "received");
        assertEquals(2, driver.dword(STATISTICS + 4 * 12), "no resources");
        dumped(DUMP_RESET, 64, 0xA007);
        assertEquals(2, driver.dword(STATISTICS));
        dumped(DUMP, 64, 0xA005);
        for (int i = 0; i < 16; i++) assertEquals(0, driver.dword(STATISTICS + 4 * i));
    }

    @Test
    void theCompletionWordIsBehindTheCountersOfTheModelAndItsConfiguration() {
        for (Object[] row : new Object[][] {{"82557", 0x12, 64}, {"82558", 0x32, 64}, {"82558", 0x12, 76}, {"82559", 0x12, 76}, {"82559", 0x16, 80}, {"82559", 0x36, 64}}) {
            is((String) row[0]);
            driver.configure(6, (int) row[1]);
            driver.slot.bytes.putInt(STATISTICS + (int) row[2] + 4, 0x7777_7777);
            dumped(DUMP, (int) row[2], 0xA005);
            assertEquals(0x7777_7777, driver.slot.bytes.getInt(STATISTICS + (int) row[2] + 4), "nothing behind it");
        }
    }

    @Test
    void framesThatCannotBeFetchedInterruptIfConfigured() {
        is("82558");
        driver.configure(6, 0x36);
        driver.out(1, 1, 0xFF);
        driver.dword(0x3000, -16);
        driver.dword(0x3004, 0x10064);
        driver.run(4 | 8, TestDriver.transmit(0x3000, 0, 1));
        assertEquals(CX | CNA, driver.causes());
        dumped(DUMP, 64, 0xA005);
        assertEquals(1, driver.dword(STATISTICS + 4 * 3), "underruns");
    }

    @Test
    void theThreadEndsWithThePower() {
        driver.run(NOP);
        driver.close();
        assertTrue(driver.wire.closed);
        TestSlot.await("no thread is left", () -> Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().endsWith(MAC.toString())));
        assertFalse(driver.slot.raised());
    }
}
