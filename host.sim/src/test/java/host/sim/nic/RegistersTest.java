package host.sim.nic;

import static host.sim.nic.TestDriver.MAC;
import static host.sim.nic.TestDriver.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.bus.HardwareException;
import host.sim.bus.Model.Window;
import host.sim.bus.Settings;
import host.sim.net.Wires;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Everything that is done through registers alone, and resets. */
class RegistersTest {
    private static final int CX = 0x80, FR = 0x40, CNA = 0x20, MDI = 0x08, SWI = 0x04;

    private TestDriver driver = new TestDriver();

    @AfterEach
    void powerOff() { driver.close(); }

    private void is(String model) {
        driver.close();
        driver = new TestDriver(model);
    }

    @Test
    void itIsAnIntelEthernetController() {
        assertEquals("8086:1229", driver.chip.id().toString());
        assertEquals(0x020000, driver.chip.id().classCode());
        assertEquals(8, driver.chip.id().revision());
        assertEquals(1, driver.chip.interruptPin());
        assertEquals(List.of(new Window(0, 4096, false), new Window(1, 64, true), new Window(2, 131_072, false)), driver.chip.windows());
        is("82558");
        assertEquals(5, driver.chip.id().revision());
        is("82557");
        assertEquals(2, driver.chip.id().revision());
    }

    @Test
    void settingsThatMakeNoSenseAreNamed() {
        for (String[] row : new String[][] {{"model", "i82540"}, {"mac", "01:00:5e:00:00:01"}, {"mac", "1:2:3"}, {"net", "string:1"}, {"net", "tap:tap9"}}) {
            Settings settings = Settings.of("model", "i82559", row[0], row[1], "mac".equals(row[0]) ? "net" : "mac", "mac".equals(row[0]) ? "none" : MAC.toString());
            String message = assertThrows(HardwareException.class, () -> Intel8255x.of(new TestSlot(), settings, new Wires(Path.of(""), Optional::empty))).getMessage();
            assertTrue(message.contains(row[0] + " = \"" + row[1] + "\"") && !message.contains("\n"), message);
        }
        assertThrows(HardwareException.class, () -> NicSettings.of(Settings.of()));
    }

    @Test
    void anAdapterIsMadeFromTheHardwareFile() throws HardwareException {
        Wires wires = new Wires(Path.of(""), Optional::empty);
        try (Intel8255x chip = Intel8255x.of(new TestSlot(), Settings.of("model", "i82558", "mac", MAC.toString(), "net", "hub:lab"), wires)) {
            assertEquals(5, chip.id().revision());
            assertEquals(1, chip.read(0, 0x1D, 1) & 1);
            wires.hub("lab").power(false);
            assertEquals(0, chip.read(0, 0x1D, 1) & 1);
        }
    }

    @Test
    void allWindowsAndSizesShowTheSameRegisters() {
        driver.out(4, 2, 0x5678);
        driver.chip.write(1, 6, 2, 0x1234);
        assertEquals(0x12345678, driver.in(4, 4));
        assertEquals(0x34, driver.chip.read(1, 6, 1));
        assertEquals(0x3456, driver.in(5, 2));
        assertEquals(0xFFFF_FFFFL, driver.chip.read(2, 0x1000, 4), "an empty flash");
        assertEquals(0, driver.in(0x800, 4));
    }

    // -- interrupts --

    @Test
    void aSoftwareInterruptRaisesTheLineUntilItIsAcknowledged() {
        driver.out(3, 1, 0x02);
        assertEquals(SWI, driver.causes());
        assertTrue(driver.slot.raised());
        driver.out(1, 1, CX | FR);
        assertTrue(driver.slot.raised(), "another cause was acknowledged");
        driver.out(1, 1, SWI);
        assertFalse(driver.slot.raised());
        assertEquals(0, driver.causes());
    }

    @Test
    void theMaskOfAllHoldsTheLineDownAndKeepsTheCause() {
        driver.out(3, 1, 0x03);
        assertFalse(driver.slot.raised());
        assertEquals(SWI, driver.causes());
        assertEquals(0x01, driver.in(3, 1));
        driver.out(3, 1, 0);
        assertTrue(driver.slot.raised());
    }

    @Test
    void everyCauseHasAMask() {
        driver.out(3, 1, 0x20); // CNA
        driver.run(0);
        assertEquals(CNA, driver.causes());
        assertFalse(driver.slot.raised());
        driver.run(0x2000);
        TestSlot.await("CX is not masked", driver.slot::raised);
        driver.out(3, 1, 0xA0);
        assertFalse(driver.slot.raised());
        driver.listen(2);
        driver.receive(frame(MAC.toString(), 60));
        assertTrue(driver.slot.raised());
        driver.out(3, 1, 0xE0);
        assertFalse(driver.slot.raised());
    }

    @Test
    void the82557HasOneMask() {
        is("82557");
        driver.out(3, 1, 0xFC);
        driver.run(0);
        TestSlot.await("CNA", driver.slot::raised);
        assertEquals(0, driver.in(3, 1));
    }

    @Test
    void aHandlerOnTheThreadThatRaisesThePinCanDropIt() {
        AtomicInteger handled = new AtomicInteger();
        driver.slot.handler = () -> {
            int causes = driver.causes();
            driver.out(1, 1, causes);
            if ((causes & CX) != 0) handled.incrementAndGet();
        };
        for (int i = 1; i <= 100; i++) {
            driver.run(0x2000);
            int count = i;
            TestSlot.await("interrupt " + i, () -> handled.get() == count && !driver.slot.raised());
        }
    }

    // -- EEPROM --

    private static final int SK = 1, CS = 2, DI = 4, DO = 8;

    private void clock(int bit) {
        int lines = CS | (bit != 0 ? DI : 0);
        driver.out(0x0E, 2, lines);
        driver.out(0x0E, 2, lines | SK);
        driver.out(0x0E, 2, lines);
    }

    private void shift(int value, int bits) {
        for (int i = bits - 1; i >= 0; i--) clock(value >> i & 1);
    }

    private int word() {
        int word = 0;
        for (int i = 0; i < 16; i++) {
            clock(0);
            word = word << 1 | (driver.in(0x0E, 2) & DO) / DO;
        }
        return word;
    }

    private int eeprom(int address) {
        driver.out(0x0E, 2, CS);
        shift(6 << 6 | address, 9);
        int word = word();
        driver.out(0x0E, 2, 0);
        return word;
    }

    private void eepromCommand(int bits, int count) {
        driver.out(0x0E, 2, CS);
        shift(bits, count);
        driver.out(0x0E, 2, 0);
    }

    @Test
    void theEepromHasTheAddressAndItsSumIsBaba() {
        int sum = 0;
        for (int i = 0; i < 64; i++) sum += eeprom(i);
        assertEquals(0xBABA, sum & 0xFFFF);
        assertEquals(List.of(0x0200, 0x12B3, 0x5634), List.of(eeprom(0), eeprom(1), eeprom(2)));
    }

    @Test
    void dataOutFallsAfterTheLastOfSixAddressBits() {
        driver.out(0x0E, 2, CS);
        shift(6, 3);
        for (int i = 0; i < 6; i++) {
            assertEquals(DO, driver.in(0x0E, 2) & DO);
            clock(0);
        }
        assertEquals(0, driver.in(0x0E, 2) & DO);
    }

    @Test
    void aReadGoesOnWithTheNextWord() {
        driver.out(0x0E, 2, CS);
        shift(6 << 6, 9);
        int first = word(), second = word();
        driver.out(0x0E, 2, 0);
        assertEquals(eeprom(0), first);
        assertEquals(eeprom(1), second);
    }

    @Test
    void leadingZerosAreNotACommand() {
        driver.out(0x0E, 2, CS);
        shift(0, 5);
        shift(6 << 6 | 1, 9);
        int word = word();
        driver.out(0x0E, 2, 0);
        assertEquals(eeprom(1), word);
    }

    @Test
    void wordsAreWrittenOnlyWhileEnabled() {
        int write = (5 << 6 | 0x20) << 16 | 0x1234;
        eepromCommand(write, 25);
        assertEquals(0, eeprom(0x20));
        eepromCommand(0x130, 9); // 1 00 11xxxx
        eepromCommand(write, 25);
        assertEquals(0x1234, eeprom(0x20));
        eepromCommand(write + 1, 24);
        assertEquals(0x1234, eeprom(0x20), "a bit is missing");
        eepromCommand(0x1C0 | 0x20, 9);
        assertEquals(0xFFFF, eeprom(0x20));
        eepromCommand(0x100, 9); // 1 00 00xxxx
        eepromCommand(write, 25);
        assertEquals(0xFFFF, eeprom(0x20));
    }

    @Test
    void aNewAddressInTheEepromHoldsAfterTheNextReset() {
        eepromCommand(0x130, 9);
        eepromCommand((5 << 6) << 16 | 0x1100, 25);
        driver.out(8, 4, 0);
        driver.listen(2);
        driver.receive(frame("00:11" + MAC.toString().substring(5), 60));
        assertEquals(0xA020, driver.word(TestDriver.rfd(0)));
    }

    // -- PHY --

    private int phy(int address, int register) {
        driver.out(0x10, 4, 0x0800_0000 | address << 21 | register << 16);
        TestSlot.await("the management interface", () -> (driver.in(0x10, 4) & 0x1000_0000) != 0);
        return driver.in(0x10, 4) & 0xFFFF;
    }

    private void setPhy(int register, int value) {
        driver.out(0x10, 4, 0x0400_0000 | 1 << 21 | register << 16 | value);
        TestSlot.await("the management interface", () -> (driver.in(0x10, 4) & 0x1000_0000) != 0);
    }

    @Test
    void thePhyIsAn82555AtAddressOne() {
        assertEquals(0x02A8, phy(1, 2));
        assertEquals(0x0150, phy(1, 3) & 0xFFF0);
        assertEquals(0xFFFF, phy(0, 2));
        assertEquals(0xFFFF, phy(31, 1));
    }

    @Test
    void aTransactionIsNotReadyAtOnce() {
        driver.out(0x10, 4, 0x0800_0000 | 1 << 21 | 2 << 16);
        assertEquals(0, driver.in(0x10, 4) & 0x1000_0000);
        assertEquals(0x1000_02A8, driver.in(0x10, 4) & 0x1000_FFFF);
    }

    @Test
    void theLinkIsNegotiatedAndFollowsTheWire() {
        assertEquals(0x782D, phy(1, 1));
        assertEquals(0x41E1, phy(1, 5));
        assertEquals(7, driver.in(0x1D, 1), "link, 100 Mbit/s, full duplex");
        driver.wire.up = false;
        assertEquals(0x7809, phy(1, 1));
        assertEquals(0, phy(1, 5));
        assertEquals(6, driver.in(0x1D, 1));
        driver.wire.up = true;
        assertEquals(0, phy(1, 1) & 4, "that it was lost is told once");
        assertEquals(4, phy(1, 1) & 4);
    }

    @Test
    void speedAndDuplexCanBeForcedOrOfferedLess() {
        setPhy(0, 0x0000);
        assertEquals(1, driver.in(0x1D, 1), "10 Mbit/s, half duplex");
        assertEquals(0, phy(1, 16) & 3);
        setPhy(0, 0x2100);
        assertEquals(7, driver.in(0x1D, 1));
        setPhy(4, 0x00A1);
        setPhy(0, 0x1200);
        assertEquals(0x1000, phy(1, 0), "restart clears itself");
        assertEquals(3, driver.in(0x1D, 1), "100 Mbit/s, half duplex");
        setPhy(0, 0x8000);
        assertEquals(0x3100, phy(1, 0));
        assertEquals(0x01E1, phy(1, 4));
    }

    @Test
    void aPhyWithoutPowerPassesNothing() {
        setPhy(0, 0x0800);
        driver.listen(2);
        driver.receive(frame(MAC.toString(), 60));
        assertEquals(0, driver.word(TestDriver.rfd(0)));
        assertEquals(0, phy(1, 1) & 4);
    }

    @Test
    void theEndOfATransactionInterruptsIfAsked() {
        driver.out(0x10, 4, 0x2800_0000 | 1 << 21 | 2 << 16);
        assertEquals(MDI, driver.causes());
        assertTrue(driver.slot.raised());
        driver.out(1, 1, MDI);
        phy(1, 2);
        assertEquals(0, driver.causes());
    }

    // -- PORT --

    @Test
    void aResetStopsAndForgetsEverythingAndUnmasks() {
        driver.configure(15, 0x49);
        driver.listen(3);
        driver.receive(frame(MAC.toString(), 60));
        driver.out(3, 1, 0x01);
        driver.out(8, 4, 0);
        assertEquals(0, driver.in(0, 4));
        assertFalse(driver.slot.raised());
        driver.receive(frame(MAC.toString(), 60));
        assertEquals(0, driver.word(TestDriver.rfd(1)));
        driver.run(0);
        TestSlot.await("interrupts are not masked", driver.slot::raised);
        driver.run(6, new byte[] {0, 0, 8, 0});
        assertEquals(0x48, driver.slot.bytes.get(TestDriver.BUFFERS + 15), "the configuration is the first again");
    }

    @Test
    void aSelectiveResetStopsBothUnitsAndKeepsTheConfiguration() {
        driver.configure(15, 0x49);
        driver.block(TestDriver.BLOCK, TestDriver.S, 0);
        driver.command(0x10, TestDriver.BLOCK);
        driver.awaitCommandUnit(1);
        driver.listen(3);
        driver.out(8, 4, 2);
        assertEquals(0, driver.in(0, 1));
        driver.run(6, new byte[] {0, 0, 8, 0});
        assertEquals(0x49, driver.slot.bytes.get(TestDriver.BUFFERS + 15));
    }

    @Test
    void theSelfTestPasses() {
        driver.dword(0x3000, 0);
        driver.dword(0x3004, -1);
        driver.out(3, 1, 1);
        driver.out(8, 4, 0x3001);
        TestSlot.await("the signature", () -> driver.dword(0x3000) != 0);
        assertEquals(0, driver.dword(0x3004));
        assertEquals(0, driver.in(3, 1), "it resets the chip");
    }

    @Test
    void aPortDumpHas596Bytes() {
        driver.slot.bytes.putInt(0x3000 + 592, -1);
        driver.slot.bytes.putInt(0x3000 + 596, -1);
        driver.out(8, 2, 0x3003);
        assertEquals(-1, driver.slot.bytes.getInt(0x3000 + 592), "the upper half makes it go");
        driver.out(10, 2, 0);
        TestSlot.await("the dump", () -> driver.dword(0x3000 + 592) == 0 && driver.dword(0x3000) != 0);
        assertEquals(-1, driver.slot.bytes.getInt(0x3000 + 596));
    }

    @Test
    void aResetOfTheBusStopsEverything() {
        driver.listen(3);
        driver.out(3, 1, 0x02);
        setPhy(0, 0x0800);
        driver.chip.reset();
        assertEquals(0, driver.in(0, 4));
        assertFalse(driver.slot.raised());
        assertEquals(0x3100, phy(1, 0));
    }

    @Test
    void flowControlRegistersAreThere() {
        driver.out(0x18, 4, 0x00_02_07_05);
        assertEquals(0x00_02_07_05, driver.in(0x18, 4));
    }
}
