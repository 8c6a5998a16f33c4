package devices.pc.input;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import devices.pc.chipset.Board440bx;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The keyboard controller with its keyboard and mouse, as systems probe them. */
class Keyboard8042Test {
    private static final int A = 0x1C, RIGHT_CTRL = 0x14;

    private final TestMachine pc = new TestMachine(1, 64 << 20);
    private Keyboard8042 controller;

    @BeforeEach
    void plug() {
        Board440bx board = (Board440bx) pc.add("440bx", "board");
        controller = board.keyboard();
        pc.pics();
        pc.out(0x21, 0xF9);
        pc.out(0xA1, 0xEF);
        pc.serviceAll(0);
    }

    private void command(int value) { pc.out(0x64, value); }

    private void keyboard(int... values) { pc.out(0x60, values); }

    private void mouse(int... values) {
        for (int value : values) {
            command(0xD4);
            pc.out(0x60, value);
        }
    }

    /** All that can be read, as hex; bytes of the mouse with an m. */
    private String read() {
        StringBuilder text = new StringBuilder();
        for (int status = pc.in(0x64); (status & 1) != 0; status = pc.in(0x64)) {
            text.append(text.isEmpty() ? "" : " ").append(String.format("%02x", pc.in(0x60))).append((status & 0x20) != 0 ? "m" : "");
        }
        return text.toString();
    }

    private String answer(int value) {
        command(value);
        return read();
    }

    @Test
    void selfTests() {
        assertEquals("55", answer(0xAA));
        assertEquals("00", answer(0xAB));
        assertEquals("00", answer(0xA9));
        assertEquals(0x1C, pc.in(0x64), "tested, last write was a command, not locked");
    }

    @Test
    void theCommandByte() {
        assertEquals("65", answer(0x20));
        command(0x60);
        pc.out(0x60, 0x47);
        assertEquals("47", answer(0x20));
        command(0xA7);
        assertEquals("67", answer(0x20));
        command(0xA8);
        command(0xAD);
        assertEquals("57", answer(0x20));
        command(0xAE);
        assertEquals("47", answer(0x20));
        command(0x65);
        pc.out(0x60, 0x99);
        assertEquals("99", answer(0x25), "the rest of its memory");
        assertEquals("f1", answer(0xA4), "no password");
    }

    @Test
    void theOutputPortAndA20() {
        assertEquals("c3", answer(0xD0), "its own answer is not there yet when it looks");
        command(0xD1);
        pc.out(0x60, 0xDD);
        assertFalse(pc.pins.a20);
        assertEquals(0, pc.in(0x92) & 2);
        command(0xDF);
        assertTrue(pc.pins.a20);
        pc.out(0x92, 0);
        assertFalse(pc.pins.a20);
        pc.out(0x92, 2);
        assertTrue(pc.pins.a20);
    }

    @Test
    void resetPulses() {
        command(0xFE);
        assertEquals(1, pc.resets, "nothing at the reset vector: the machine starts anew");
        pc.romAtResetVector = true;
        command(0xFE);
        assertEquals(1, pc.resets);
        assertEquals(1, pc.pins.inits[0]);
        command(0xFF);
        command(0xFD);
        assertEquals(1, pc.pins.inits[0]);
        command(0xD1);
        pc.out(0x60, 0xDE);
        assertEquals(2, pc.pins.inits[0]);
    }

    @Test
    void keyboardCommands() {
        keyboard(0xFF);
        assertEquals("fa aa", read());
        keyboard(0xEE);
        assertEquals("ee", read());
        keyboard(0xF2);
        assertEquals("fa ab 41", read(), "translated");
        keyboard(0xED, 0x05);
        assertEquals("fa fa", read());
        assertEquals(5, controller.keyboard().leds());
        keyboard(0xF3, 0x20);
        assertEquals("fa fa", read());
        keyboard(0xF5);
        assertEquals("fa", read());
        assertFalse(controller.keyboard().key(A, false, true));
        keyboard(0xF4);
        assertEquals("fa", read());
        keyboard(0xF6);
        assertEquals("fa", read());
        keyboard(0xFE);
        assertEquals("fa", read());
        keyboard(0xE0);
        assertEquals("fe", read());
        keyboard(0xF0, 0x00);
        assertEquals("fa fa 41", read(), "set 2, translated");
        keyboard(0xED, 0xF4);
        assertEquals("fa fa", read(), "a command instead of the parameter");
        assertEquals(0, controller.keyboard().leds() & 8);
    }

    @Test
    void keysInSetOneByTranslation() {
        controller.keyboard().key(A, false, true);
        controller.keyboard().key(A, false, false);
        controller.keyboard().key(RIGHT_CTRL, true, true);
        controller.keyboard().key(RIGHT_CTRL, true, false);
        assertEquals("1e 9e e0 1d e0 9d", read());
    }

    @Test
    void keysWithoutTranslationAndInSetOneOfTheKeyboard() {
        command(0x60);
        pc.out(0x60, 0x05);
        controller.keyboard().key(A, false, true);
        controller.keyboard().key(A, false, false);
        assertEquals("1c f0 1c", read());
        keyboard(0xF0, 0x01);
        assertEquals("fa fa", read());
        controller.keyboard().key(A, false, true);
        controller.keyboard().key(A, false, false);
        assertEquals("1e 9e", read());
        keyboard(0xF0, 0x00);
        assertEquals("fa fa 01", read());
    }

    @Test
    void aFullBufferDropsWholeKeys() {
        int taken = 0;
        for (int i = 0; i < 100; i++) if (controller.keyboard().key(RIGHT_CTRL, true, true)) taken++;
        String text = read();
        assertEquals(taken * 2, text.split(" ").length);
        assertTrue(text.matches("(e0 1d ?)+"), text);
    }

    @Test
    void eachByteOfTheKeyboardIsAnInterrupt() {
        controller.keyboard().key(A, false, true);
        controller.keyboard().key(A, false, false);
        for (int code : new int[] {0x1E, 0x9E}) {
            assertEquals(0x21, pc.take());
            assertEquals(code, pc.in(0x60));
            pc.out(0x20, 0x20);
        }
        assertEquals(-1, pc.take());
        command(0x60);
        pc.out(0x60, 0x44);
        controller.keyboard().key(A, false, true);
        assertEquals(-1, pc.take());
        assertEquals("1e", read());
    }

    @Test
    void aTurnedOffKeyboardWaits() {
        command(0xAD);
        controller.keyboard().key(A, false, true);
        assertEquals("", read());
        command(0xAE);
        assertEquals("1e", read());
    }

    @Test
    void mouseCommands() {
        command(0xA8);
        mouse(0xFF);
        assertEquals("fam aam 00m", read());
        mouse(0xF2);
        assertEquals("fam 00m", read());
        mouse(0xE8, 3);
        assertEquals("fam fam", read());
        mouse(0xE9);
        assertEquals("fam 00m 03m 64m", read());
        mouse(0xF3);
        read();
        mouse(200);
        read();
        mouse(0xE7);
        read();
        mouse(0xF4);
        read();
        mouse(0xE9);
        assertEquals("fam 30m 03m c8m", read());
        mouse(0xE1);
        assertEquals("fem", read());
        mouse(0xEE);
        read();
        mouse(0x42);
        assertEquals("42m", read(), "wrap mode echoes");
        mouse(0xEC);
        assertEquals("fam", read());
    }

    @Test
    void mouseMovements() {
        command(0xA8);
        controller.mouse().move(5, 5, 0);
        assertEquals("", read(), "not enabled");
        mouse(0xF6);
        read();
        mouse(0xF4);
        assertEquals("fam", read());
        controller.mouse().move(3, -2, 1);
        assertEquals("29m 03m fem", read());
        controller.mouse().move(0, 0, 1);
        assertEquals("", read(), "nothing new");
        controller.mouse().move(-300, 0, 0);
        assertEquals("18m 00m 00m", read());
        mouse(0xEB);
        assertEquals("fam 18m d4m 00m", read(), "the rest of the movement");
        mouse(0xF0);
        read();
        controller.mouse().move(1, 1, 0);
        assertEquals("", read(), "only when asked");
        mouse(0xEB);
        assertEquals("fam 08m 01m 01m", read());
    }

    @Test
    void linuxProbesTheMousePortByItsLoop() {
        command(0x60);
        pc.out(0x60, 0x47);
        command(0xD3);
        pc.out(0x60, 0x5A);
        assertEquals(0x2C, pc.take());
        assertEquals(0x21, pc.in(0x64) & 0x21);
        assertEquals("5am", read());
        command(0xD3);
        pc.out(0x60, 0xF0);
        assertEquals("f0m", read(), "no multiplexer answers with something else");
        command(0xD2);
        pc.out(0x60, 0xA5);
        assertEquals("a5", read());
    }
}
