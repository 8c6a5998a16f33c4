package devices.pc.chipset;

import static devices.pc.TestMachine.MILLI;
import static devices.pc.TestMachine.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.VirtualDevice;

/** PCI, power management, resets and the small registers of the board. */
class Board440bxTest {
    private static final int PM = 0x1000, PMSTS = PM, PMEN = PM + 2, PMCNTRL = PM + 4, PMTMR = PM + 8, GPSTS = PM + 0xC, GPEN = PM + 0xE;

    private final TestMachine pc = new TestMachine(1, 256 << 20);
    private VirtualDevice board;

    @BeforeEach
    void plug() { board = pc.add("440bx", "board"); }

    // -- PCI --

    @Test
    void configurationMechanismOneAsLinuxChecksIt() {
        pc.out(0xCFB, 1);
        long before = pc.in32(0xCF8);
        pc.out32(0xCF8, 0x8000_0000L);
        assertEquals(0x8000_0000L, pc.in32(0xCF8));
        pc.out32(0xCF8, before);
        pc.out32(0xCF8, 0xFFFF_FFFFL);
        assertEquals(0x80FF_FFFCL, pc.in32(0xCF8));
        assertEquals(0xFF, pc.in(0xCF8), "bytes do not reach the register");
    }

    @Test
    void bytesWordsAndDwordsOfTheDataPort() {
        pc.out32(0xCF8, 0x8000_0008L);
        assertEquals(0x0600_0003, pc.in32(0xCFC));
        assertEquals(0x0600, pc.in16(0xCFE));
        assertEquals(0x06, pc.in(0xCFF));
        assertEquals(0x03, pc.in(0xCFC));
        pc.out32(0xCF8, 0x8000_0058L);
        pc.out(0xCFD, 0x30);
        assertEquals(0x30, pc.in(0xCFD), "PAM0");
        assertEquals(0x03, pc.in(0xCFC));
        pc.out32(0xCF8, 0x0000_0058L);
        assertEquals(0xFFFF_FFFFL, pc.in32(0xCFC), "disabled");
        pc.out32(0xCF8, 0x8001_0000L);
        assertEquals(0xFFFF_FFFFL, pc.in32(0xCFC), "no other bus");
    }

    @Test
    void onlyWritableBitsChange() {
        for (int function : new int[] {0, 3}) {
            long id = pc.pci(7, function, 0), classCode = pc.pci(7, function, 8);
            pc.pci(7, function, 0, 0);
            pc.pci(7, function, 8, 0xFFFF_FFFFL);
            assertEquals(id, pc.pci(7, function, 0));
            assertEquals(classCode, pc.pci(7, function, 8));
        }
        assertEquals(0x80, pc.pci(7, 0, 0x0C) >> 16 & 0xFF, "the PIIX4 has several functions");
        assertEquals(0, pc.pci(0, 0, 0x0C) >> 16 & 0xFF);
        assertEquals(0x1976_15AD, pc.pci(0, 0, 0x2C));
        pc.pci(7, 0, 0x60, 0x0A0B_7F05);
        assertEquals(0x0A0B_0F05, pc.pci(7, 0, 0x60));
        board.reset();
        assertEquals(0x8080_8080L, pc.pci(7, 0, 0x60));
    }

    @Test
    void anAdapterPlugsInWithItsWindowsAndItsInterrupt() {
        byte[] memory = new byte[32];
        IoHandler storage = new IoHandler() {
            @Override
            public long read(long offset, int bytes) { return memory[(int) offset]; }

            @Override
            public void write(long offset, int bytes, long value) { memory[(int) offset] = (byte) value; }
        };
        DeviceContext context = pc.context("scsi0");
        PciFunction adapter = new PciFunction(context, 0x1000, 0x0030, 0x01_00_00, 1)
                .ioWindow(0, 32, storage).memoryWindow(1, 4096, storage).interruptPin(1);
        int slot = context.claimPci(-1, 0, adapter);
        assertEquals(16, slot);
        pc.pci(slot, 0, 0x10, 0xFFFF_FFFFL);
        assertEquals(0xFFFF_FFE1L, pc.pci(slot, 0, 0x10), "32 ports");
        pc.pci(slot, 0, 0x14, 0xFFFF_FFFFL);
        assertEquals(0xFFFF_F000L, pc.pci(slot, 0, 0x14));
        pc.pci(slot, 0, 0x10, 0xC001);
        pc.pci(slot, 0, 0x14, 0xE000_0000L);
        assertFalse(pc.claimsPort(0xC000), "decoding is off");
        pc.pci(slot, 0, 4, 3);
        pc.out(0xC005, 0x5A);
        assertEquals(0x5A, pc.access(true, 0xE000_0005L, 1, 0, false));
        pc.pci(slot, 0, 0x10, 0xD001);
        assertFalse(pc.claimsPort(0xC000));
        assertEquals(0x5A, pc.in(0xD005));
        pc.pci(slot, 0, 0x10, 0x0041);
        assertFalse(pc.claimsPort(0xD000));
        assertTrue(pc.misuses.containsKey("PCI window over another device"));
        pc.pci(slot, 0, 0x10, 0xD001);
        assertEquals(0x5A, pc.in(0xD005));
        pc.pci(slot, 0, 4, 2);
        assertFalse(pc.claimsPort(0xD000));
        adapter.reset();
        assertFalse(pc.claimsMemory(0xE000_0000L));
        assertEquals(16, PciFunction.globalInterrupt(1, 1));
        assertEquals(19, PciFunction.globalInterrupt(16, 1));
        assertEquals(18, PciFunction.globalInterrupt(17, 3));
    }

    // -- power management --

    @Test
    void thePowerTimerCounts24BitsAt3579545Hertz() {
        long before = pc.in32(PMTMR);
        pc.advance(SECOND);
        assertEquals(3_579_545, (pc.in32(PMTMR) - before) & 0xFF_FFFF, 1);
        pc.advance(10 * SECOND);
        assertEquals(0, pc.in32(PMTMR) >> 24);
    }

    @Test
    void theTimersOverflowIsAnEvent() {
        pc.pics();
        pc.out(0x21, 0xFB);
        pc.out(0xA1, 0xFD);
        pc.out16(PMSTS, 0xFFFF);
        pc.out(0xB2, 0xF1);
        pc.out(0x4D1, 2);
        pc.out16(PMEN, 1);
        long before = pc.in32(PMTMR);
        long toOverflow = (0x80_0000 - (before & 0x7F_FFFF)) * 1_000_000_000L / 3_579_545;
        pc.advance(toOverflow - 10_000);
        assertFalse(pc.intr());
        assertEquals(0, pc.in16(PMSTS));
        pc.advance(20_000);
        assertEquals(1, pc.in16(PMSTS));
        assertEquals(0x29, pc.take());
        pc.out16(PMSTS, 1);
        assertEquals(0, pc.in16(PMSTS));
        pc.out(0xA0, 0x20);
        pc.out(0x20, 0x20);
        assertFalse(pc.intr());
        pc.advance(2344 * MILLI);
        assertTrue(pc.intr(), "every 2.34 seconds");
    }

    @Test
    void acpiIsTurnedOnThroughTheCommandPort() {
        assertEquals(0, pc.in16(PMCNTRL) & 1);
        pc.out(0xB2, 0xF1);
        assertEquals(1, pc.in16(PMCNTRL) & 1);
        assertEquals(0xF1, pc.in(0xB2));
        pc.out(0xB2, 0xF0);
        assertEquals(0, pc.in16(PMCNTRL) & 1);
        pc.out(0xB3, 0x77);
        assertEquals(0x77, pc.in(0xB3));
    }

    @Test
    void softOffTurnsThePowerOff() {
        pc.out16(PMCNTRL, 0x0001);
        assertEquals(0, pc.powerOffs);
        pc.out16(PMCNTRL, 0x3401);
        assertEquals(0, pc.powerOffs, "another sleep type");
        pc.out16(PMCNTRL, 0x2001);
        assertEquals(1, pc.powerOffs);
        assertEquals(0, pc.in16(PMCNTRL) & 0x2000, "the bit is write only");
        pc.out(PMCNTRL + 1, 0x20);
        assertEquals(2, pc.powerOffs, "by byte");
        assertEquals(1, pc.in16(PMCNTRL) & 1);
    }

    @Test
    void thePowerButtonTellsAGuestThatListens() {
        pc.pics();
        assertFalse(board.requestShutdown());
        pc.out16(PMSTS, 0xFFFF);
        pc.out(0xB2, 0xF1);
        pc.out16(PMEN, 0x100);
        pc.out(0x21, 0xFB);
        pc.out(0xA1, 0xFD);
        pc.out(0x4D1, 2);
        assertTrue(board.requestShutdown());
        assertEquals(0x29, pc.take());
        assertEquals(0x100, pc.in16(PMSTS));
        pc.out(PMSTS, 0xFF);
        assertEquals(0x100, pc.in16(PMSTS), "that was the other byte");
        pc.out16(PMSTS, 0x100);
        assertEquals(0, pc.in16(PMSTS));
    }

    @Test
    void thePowerRegistersMove() {
        pc.pci(7, 3, 0x40, 0xB000);
        assertFalse(pc.claimsPort(0x1000));
        pc.out16(0xB002, 0x120);
        assertEquals(0x120, pc.in16(0xB002));
        pc.pci(7, 3, 0x80, 0);
        assertFalse(pc.claimsPort(0xB000));
        board.reset();
        assertEquals(0, pc.in16(PMEN));
    }

    @Test
    void storageRegistersKeepTheirValue() {
        pc.out16(GPEN, 0x0F0F);
        assertEquals(0x0F0F, pc.in16(GPEN));
        pc.out16(GPSTS, 0xFFFF);
        assertEquals(0, pc.in16(GPSTS));
        pc.out32(PM + 0x28, 0x1234_5678);
        assertEquals(0x1234_5678, pc.in32(PM + 0x28));
        assertEquals(0x5678_0000L, pc.in32(PM + 0x26), "an access over the edge of a register");
    }

    // -- resets and the rest --

    @Test
    void resetControl() {
        pc.out(0xCF9, 0x02);
        assertEquals(2, pc.in(0xCF9));
        assertEquals(0, pc.resets);
        pc.out(0xCF9, 0x06);
        assertEquals(1, pc.resets);
        pc.out(0xCF9, 0x06);
        assertEquals(2, pc.resets);
        pc.romAtResetVector = true;
        pc.out(0xCF9, 0x00);
        pc.out(0xCF9, 0x04);
        assertEquals(1, pc.pins.inits[0], "soft");
        pc.out(0x92, 3);
        assertEquals(2, pc.pins.inits[0]);
        assertEquals(2, pc.in(0x92) & 3);
    }

    @Test
    void cmosSurvivesAReset() {
        pc.out(0x70, 0x0F);
        pc.out(0x71, 0x0A);
        board.reset();
        pc.out(0x70, 0x0F);
        assertEquals(0x0A, pc.in(0x71));
    }

    @Test
    void nmiGoesThroughLint1AndPort70MasksIt() {
        Board440bx nmi = (Board440bx) board;
        nmi.nonMaskable();
        assertEquals(0, pc.pins.nmis[0], "LINT1 is masked after reset");
        pc.write(0xFEE0_00F0L, 0x1FF);
        pc.write(0xFEE0_0360L, 0x400);
        nmi.nonMaskable();
        assertEquals(1, pc.pins.nmis[0]);
        pc.out(0x70, 0x80);
        nmi.nonMaskable();
        assertEquals(1, pc.pins.nmis[0]);
        pc.out(0x70, 0x00);
        pc.sink.apicBase(0, 0xFEE0_0100L);
        nmi.nonMaskable();
        assertEquals(2, pc.pins.nmis[0], "without the local APIC it is the CPU's pin");
    }

    @Test
    void postCodesAndPagesAreKept() {
        pc.out(0x80, 0xA5);
        pc.out(0x87, 0x12);
        assertEquals(0xA5, pc.in(0x80));
        assertEquals(0x12, pc.in(0x87));
    }

    @Test
    void theCoprocessorsErrorIsIgnoredOnRequest() {
        pc.out(0xF0, 0);
        assertEquals(1, pc.pins.ignoreNumericErrors);
        pc.out(0xF1, 0);
        assertEquals(1, pc.pins.ignoreNumericErrors);
    }

    @Test
    void dmaRegisters() {
        for (int base : new int[] {0, 0xC0}) {
            int step = base == 0 ? 1 : 2;
            pc.out(base + 13 * step, 0); // master clear
            assertEquals(0xFF, pc.in(base + 15 * step), "all masked");
            pc.out(base + 2 * step, 0x34, 0x12);
            pc.out(base + 3 * step, 0xFF, 0x0F);
            assertEquals(0x34, pc.in(base + 2 * step));
            assertEquals(0x12, pc.in(base + 2 * step));
            assertEquals(0xFF, pc.in(base + 3 * step));
            pc.out(base + 12 * step, 0); // clear the flip-flop
            assertEquals(0xFF, pc.in(base + 3 * step));
            assertEquals(0x0F, pc.in(base + 3 * step));
            pc.out(base + 10 * step, 2);
            assertEquals(0xFB, pc.in(base + 15 * step));
            pc.out(base + 9 * step, 5);
            assertEquals(0x20, pc.in(base + 8 * step));
            pc.out(base + 14 * step, 0);
            assertEquals(0xF0, pc.in(base + 15 * step));
        }
    }

    @Test
    void aResetPutsEverythingBack() {
        pc.pics();
        pc.out(0x43, 0x34);
        pc.out(0x40, 0, 1);
        pc.write(0xFEE0_00F0L, 0x1FF);
        pc.write(0xFEE0_0320L, 0x200EE);
        pc.write(0xFEE0_0380L, 1000);
        pc.out(0x64, 0xDD);
        pc.advance(100 * MILLI);
        assertTrue(pc.intr());
        board.reset();
        assertFalse(pc.intr());
        assertTrue(pc.pins.a20);
        pc.advance(SECOND);
        assertFalse(pc.intr());
        assertEquals(0xFF, pc.in(0x21));
    }
}
