package devices.pc.input;

import vmkernel.api.handover.StateRecord;

/** An MF2 keyboard with 102 keys and scan code sets 1 and 2 [PS2 Technical Reference] Keyboard. */
public final class Ps2Keyboard implements Ps2Device {
    private static final int ACK = 0xFA, RESEND = 0xFE, SELF_TEST_PASSED = 0xAA;
    private static final int SET_LEDS = 0xED, ECHO = 0xEE, SCAN_CODE_SET = 0xF0, IDENTIFY = 0xF2, TYPEMATIC = 0xF3, ENABLE = 0xF4;
    private static final int DISABLE = 0xF5, DEFAULTS = 0xF6, FIRST_KEY_MODE = 0xF7, LAST_KEY_MODE = 0xFD, RESET = 0xFF;
    private static final int NONE = 0;

    private final Ps2Queue queue = new Ps2Queue();
    private final Runnable ready;
    private int awaiting = NONE; // command whose parameter comes next
    private int set, leds, typematic;
    private boolean scanning;

    /** @param ready told when there is something to send after a key */
    public Ps2Keyboard(Runnable ready) { this.ready = ready; }

    /** Power-on, with its self test done and its result read, as firmware leaves it. */
    public void reset() {
        queue.clear();
        awaiting = NONE;
        leds = 0;
        defaults();
        scanning = true;
    }

    void exchange(StateRecord state) {
        queue.exchange(state.child("queue"));
        awaiting = state.exchange("awaiting", awaiting);
        set = state.exchange("set", set);
        leds = state.exchange("leds", leds);
        typematic = state.exchange("typematic", typematic);
        scanning = state.exchange("scanning", scanning);
    }

    /** Scroll lock, num lock and caps lock in bits 0 to 2. */
    public int leds() { return leds; }

    /**
     * A key goes down or up. Under the VM's device lock.
     *
     * @param code scan code of set 2, 01h to 83h
     * @param extended the code comes after E0h
     * @return false if the keyboard is disabled or its buffer full
     */
    public boolean key(int code, boolean extended, boolean down) {
        if (!scanning || !queue.hasRoom(3)) return false;
        if (extended) queue.add(ScanCodes.EXTENDED);
        if (set == 1) queue.add(ScanCodes.toSet1(code) | (down ? 0 : ScanCodes.RELEASED));
        else if (down) queue.add(code);
        else queue.add(ScanCodes.RELEASE, code);
        ready.run();
        return true;
    }

    @Override
    public int send() { return queue.remove(); }

    @Override
    public void receive(int value) {
        int command = awaiting;
        awaiting = NONE;
        if (command != NONE && value < SET_LEDS) parameter(command, value);
        else command(value);
    }

    private void command(int value) {
        switch (value) {
            case SET_LEDS, SCAN_CODE_SET, TYPEMATIC -> {
                awaiting = value;
                queue.add(ACK);
            }
            case ECHO -> queue.add(ECHO);
            case IDENTIFY -> queue.add(ACK, 0xAB, 0x83);
            case ENABLE -> restart(true);
            case DISABLE -> {
                defaults();
                restart(false);
            }
            case DEFAULTS -> {
                defaults();
                restart(scanning);
            }
            case RESEND -> queue.resend();
            case RESET -> {
                defaults();
                restart(true);
                queue.add(SELF_TEST_PASSED);
            }
            default -> queue.add(value >= FIRST_KEY_MODE && value <= LAST_KEY_MODE ? ACK : RESEND);
        }
    }

    private void restart(boolean scans) {
        queue.clear();
        scanning = scans;
        queue.add(ACK);
    }

    private void defaults() {
        set = 2;
        typematic = 0x2B;
    }

    private void parameter(int command, int value) {
        switch (command) {
            case SET_LEDS -> leds = value & 7;
            case TYPEMATIC -> typematic = value & 0x7F; // LIMIT: keys do not repeat by themselves; who presses them repeats them
            default -> {
                scanCodeSet(value);
                return;
            }
        }
        queue.add(ACK);
    }

    /** LIMIT: no scan code set 3; asking for it is answered as an invalid parameter. */
    private void scanCodeSet(int value) {
        if (value > 2) {
            queue.add(RESEND);
            return;
        }
        queue.add(ACK);
        if (value == 0) queue.add(set);
        else set = value;
    }
}
