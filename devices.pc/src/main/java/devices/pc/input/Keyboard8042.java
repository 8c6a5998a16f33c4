package devices.pc.input;

import devices.pc.bus.ByteChip;
import java.util.Arrays;
import java.util.function.Consumer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.handover.StateRecord;

/**
 * The 8042 keyboard controller of a PS/2 [PS2 Technical Reference] Keyboard and Auxiliary Device Controller, at ports 60h and
 * 64h: keyboard and mouse behind one output buffer, the A20 gate and the CPU's reset line. It works at once, so its input
 * buffer is always empty.
 */
public final class Keyboard8042 {
    private static final int STATUS_OBF = 0x01, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08, STATUS_UNLOCKED = 0x10, STATUS_AUX = 0x20;
    private static final int CTR_KEYBOARD_IRQ = 0x01, CTR_AUX_IRQ = 0x02, CTR_SYSTEM = 0x04, CTR_KEYBOARD_OFF = 0x10, CTR_AUX_OFF = 0x20, CTR_TRANSLATE = 0x40;
    private static final int OUT_RUN = 0x01, OUT_A20 = 0x02, OUT_KEYBOARD_IRQ = 0x10, OUT_AUX_IRQ = 0x20, OUT_IDLE = 0xC0;
    private static final int INPUT_PORT = 0xA0; // not locked, no manufacturing jumper
    private static final int NONE = 0;

    private final Ps2Keyboard keyboard = new Ps2Keyboard(this::pump);
    private final Ps2Mouse mouse = new Ps2Mouse(this::pump);
    private final InterruptLine irq1, irq12;
    private final Consumer<Boolean> a20;
    private final Runnable reset;

    private final byte[] ram = new byte[32]; // [0] is the command byte
    private int awaiting;       // command whose parameter comes through port 60h
    private int output;         // output buffer
    private boolean full, fromAux, lastWasCommand, systemFlag;
    private int reply = -1;     // answer of the controller that waits for the output buffer
    private boolean replyFromAux;
    private boolean released;   // translation: F0h came, the next code is a release
    private int port;           // output port bits 1:0

    /** @param a20 level of the A20 gate @param reset a pulse on the CPU's reset line */
    public Keyboard8042(InterruptLine irq1, InterruptLine irq12, Consumer<Boolean> a20, Runnable reset) {
        this.irq1 = irq1;
        this.irq12 = irq12;
        this.a20 = a20;
        this.reset = reset;
    }

    /** As a PC's firmware leaves it: tested, keyboard on with translation and IRQ 1, mouse off, A20 on. */
    public void reset() {
        keyboard.reset();
        mouse.reset();
        Arrays.fill(ram, (byte) 0);
        ram[0] = CTR_KEYBOARD_IRQ | CTR_SYSTEM | CTR_AUX_OFF | CTR_TRANSLATE;
        awaiting = NONE;
        output = 0;
        full = fromAux = lastWasCommand = replyFromAux = released = false;
        systemFlag = true;
        reply = -1;
        port = OUT_RUN | OUT_A20;
        signal();
    }

    public void exchange(StateRecord state) {
        keyboard.exchange(state.child("keyboard"));
        mouse.exchange(state.child("mouse"));
        state.fill("ram", ram);
        awaiting = state.exchange("awaiting", awaiting);
        output = state.exchange("output", output);
        full = state.exchange("full", full);
        fromAux = state.exchange("fromAux", fromAux);
        lastWasCommand = state.exchange("lastWasCommand", lastWasCommand);
        systemFlag = state.exchange("systemFlag", systemFlag);
        reply = state.exchange("reply", reply);
        replyFromAux = state.exchange("replyFromAux", replyFromAux);
        released = state.exchange("released", released);
        port = state.exchange("port", port);
    }

    public Ps2Keyboard keyboard() { return keyboard; }

    public Ps2Mouse mouse() { return mouse; }

    /** Port 60h. */
    public ByteChip dataPort() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return readData(); }

            @Override
            public void write(int offset, int value) {
                lastWasCommand = false;
                writeData(value);
                pump();
            }
        };
    }

    /** Port 64h. */
    public ByteChip commandPort() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return status(); }

            @Override
            public void write(int offset, int value) {
                lastWasCommand = true;
                awaiting = NONE;
                command(value);
                pump();
            }
        };
    }

    private int status() {
        return (full ? STATUS_OBF | (fromAux ? STATUS_AUX : 0) : 0) | (systemFlag ? STATUS_SYSTEM : 0)
                | (lastWasCommand ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
    }

    private int readData() {
        int value = output;
        if (full) {
            full = false;
            signal();
            pump();
        }
        return value;
    }

    private void command(int value) {
        if (value >= 0x20 && value <= 0x3F) answer(ram[value & 0x1F] & 0xFF);
        else if (value >= 0xF0) pulse(value);
        else switch (value) {
            case 0xA4 -> answer(0xF1); // no password
            case 0xA7 -> commandByte(ram[0] | CTR_AUX_OFF);
            case 0xA8 -> commandByte(ram[0] & ~CTR_AUX_OFF);
            case 0xA9, 0xAB -> answer(0x00); // interface test passed
            case 0xAA -> {
                systemFlag = true;
                answer(0x55);
            }
            case 0xAD -> commandByte(ram[0] | CTR_KEYBOARD_OFF);
            case 0xAE -> commandByte(ram[0] & ~CTR_KEYBOARD_OFF);
            case 0xC0 -> answer(INPUT_PORT);
            case 0xD0 -> answer(outputPort());
            case 0xDD -> gateA20(false);
            case 0xDF -> gateA20(true);
            case 0xE0 -> answer(0x00); // test inputs: clock lines low
            default -> { if (value >= 0x60 && value <= 0x7F || value >= 0xD1 && value <= 0xD4) awaiting = value; }
        }
    }

    private void writeData(int value) {
        int command = awaiting;
        awaiting = NONE;
        switch (command) {
            case NONE -> {
                ram[0] &= ~CTR_KEYBOARD_OFF; // talking to the keyboard turns its interface on
                keyboard.receive(value);
            }
            case 0xD1 -> writeOutputPort(value);
            case 0xD2 -> answer(value);
            case 0xD3 -> {
                answer(value);
                replyFromAux = true;
            }
            case 0xD4 -> {
                ram[0] &= ~CTR_AUX_OFF;
                mouse.receive(value);
            }
            case 0x60 -> commandByte(value);
            default -> ram[command & 0x1F] = (byte) value;
        }
    }

    private void commandByte(int value) {
        ram[0] = (byte) value;
        systemFlag = (value & CTR_SYSTEM) != 0;
        signal();
    }

    /** F0h to FFh pull output port bits low for a moment where the command has zeros; bit 0 is the CPU's reset. */
    private void pulse(int command) {
        if ((command & OUT_RUN) == 0) reset.run();
    }

    private int outputPort() {
        return port | OUT_IDLE | (full && !fromAux ? OUT_KEYBOARD_IRQ : 0) | (full && fromAux ? OUT_AUX_IRQ : 0);
    }

    private void writeOutputPort(int value) {
        gateA20((value & OUT_A20) != 0);
        if ((value & OUT_RUN) == 0) reset.run();
    }

    private void gateA20(boolean on) {
        port = OUT_RUN | (on ? OUT_A20 : 0);
        a20.accept(on);
    }

    private void answer(int value) {
        reply = value;
        replyFromAux = false;
    }

    /** Fills the output buffer if it is empty: the controller's own answer first, then the keyboard, then the mouse. */
    private void pump() {
        if (full) return;
        if (reply >= 0) {
            int value = reply;
            reply = -1;
            fill(value, replyFromAux);
            return;
        }
        if ((ram[0] & CTR_KEYBOARD_OFF) == 0 && pumpKeyboard()) return;
        if ((ram[0] & CTR_AUX_OFF) != 0) return;
        int value = mouse.send();
        if (value >= 0) fill(value, true);
    }

    private boolean pumpKeyboard() {
        int value = keyboard.send();
        if (value >= 0 && (ram[0] & CTR_TRANSLATE) != 0) value = translate(value);
        if (value >= 0) fill(value, false);
        return value >= 0;
    }

    /** Set 2 to set 1; the release prefix becomes bit 7 of the code after it. @return -1 if there is no such code yet */
    private int translate(int value) {
        if (value == ScanCodes.RELEASE) {
            released = true;
            value = keyboard.send();
            if (value < 0) return -1;
        }
        int code = ScanCodes.toSet1(value) | (released ? ScanCodes.RELEASED : 0);
        released = false;
        return code;
    }

    private void fill(int value, boolean aux) {
        output = value;
        full = true;
        fromAux = aux;
        irq1.set(false);
        irq12.set(false);
        signal();
    }

    private void signal() {
        irq1.set(full && !fromAux && (ram[0] & CTR_KEYBOARD_IRQ) != 0);
        irq12.set(full && fromAux && (ram[0] & CTR_AUX_IRQ) != 0);
    }
}
