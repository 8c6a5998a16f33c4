package devices.pc.input;

import vmkernel.api.handover.StateRecord;

/** A PS/2 mouse with three buttons [PS2 Technical Reference] Mouse: streams, answers when polled, or echoes (wrap mode). */
public final class Ps2Mouse implements Ps2Device {
    private static final int ACK = 0xFA, RESEND = 0xFE, SELF_TEST_PASSED = 0xAA, DEVICE_ID = 0;
    private static final int SCALE_1 = 0xE6, SCALE_2 = 0xE7, RESOLUTION = 0xE8, STATUS = 0xE9, STREAM = 0xEA, READ = 0xEB;
    private static final int UNWRAP = 0xEC, WRAP = 0xEE, REMOTE = 0xF0, IDENTIFY = 0xF2, RATE = 0xF3, ENABLE = 0xF4;
    private static final int DISABLE = 0xF5, DEFAULTS = 0xF6, RESET = 0xFF, NONE = 0;

    private final Ps2Queue queue = new Ps2Queue();
    private final Runnable ready;
    private int awaiting = NONE; // command whose parameter comes next
    private boolean wrapped, remote, enabled, doubled;
    private int resolution, rate;
    private int dx, dy, buttons, reported;

    /** @param ready told when there is something to send after a movement */
    public Ps2Mouse(Runnable ready) { this.ready = ready; }

    /** Power-on, with its self test done and its result read. */
    public void reset() {
        queue.clear();
        awaiting = NONE;
        defaults();
    }

    void exchange(StateRecord state) {
        queue.exchange(state.child("queue"));
        awaiting = state.exchange("awaiting", awaiting);
        wrapped = state.exchange("wrapped", wrapped);
        remote = state.exchange("remote", remote);
        enabled = state.exchange("enabled", enabled);
        doubled = state.exchange("doubled", doubled);
        resolution = state.exchange("resolution", resolution);
        rate = state.exchange("rate", rate);
        dx = state.exchange("dx", dx);
        dy = state.exchange("dy", dy);
        buttons = state.exchange("buttons", buttons);
        reported = state.exchange("reported", reported);
    }

    /**
     * A movement or a change of buttons. Under the VM's device lock.
     *
     * @param right in counts, to the left if negative
     * @param up in counts, down if negative
     * @param buttons left, right and middle in bits 0 to 2
     */
    public void move(int right, int up, int buttons) {
        dx += right;
        dy += up;
        this.buttons = buttons & 7;
        if (!enabled || remote || wrapped || !queue.hasRoom(3)) return;
        if (dx == 0 && dy == 0 && reported == this.buttons) return;
        packet();
        ready.run();
    }

    @Override
    public int send() { return queue.remove(); }

    @Override
    public void receive(int value) {
        int command = awaiting;
        awaiting = NONE;
        if (command != NONE) parameter(command, value);
        else if (wrapped && value != UNWRAP && value != RESET) queue.add(value);
        else command(value);
    }

    private void command(int value) {
        if (value != RESEND) queue.clear();
        if (value == RESEND) {
            queue.resend();
            return;
        }
        boolean known = value >= SCALE_1 && value <= WRAP && value != 0xED || value >= REMOTE && value <= DEFAULTS && value != 0xF1 || value == RESET;
        queue.add(known ? ACK : RESEND);
        if (known) perform(value);
    }

    private void perform(int command) {
        switch (command) {
            case SCALE_1 -> doubled = false;
            case SCALE_2 -> doubled = true;
            case RESOLUTION, RATE -> awaiting = command;
            case STATUS -> queue.add((remote ? 0x40 : 0) | (enabled ? 0x20 : 0) | (doubled ? 0x10 : 0) | statusButtons(), resolution, rate);
            case STREAM -> remote = false;
            case READ -> packet();
            case UNWRAP -> wrapped = false;
            case WRAP -> wrapped = true;
            case REMOTE -> remote = true;
            case IDENTIFY -> queue.add(DEVICE_ID);
            case ENABLE -> enabled = true;
            case DISABLE -> enabled = false;
            case DEFAULTS -> defaults();
            default -> {
                defaults();
                queue.add(SELF_TEST_PASSED, DEVICE_ID);
            }
        }
    }

    private void parameter(int command, int value) {
        if (command == RATE) rate = value;
        else resolution = value & 3;
        queue.add(ACK);
    }

    private void defaults() {
        wrapped = remote = enabled = doubled = false;
        resolution = 2;
        rate = 100;
        dx = dy = 0;
        reported = buttons;
    }

    /** The status has the left button in bit 2, the middle one in bit 1, the right one in bit 0. */
    private int statusButtons() { return (buttons & 1) << 2 | (buttons & 4) >> 1 | (buttons & 2) >> 1; }

    /** Three bytes: buttons with signs and overflows, then the movement; what does not fit comes with the next one. */
    private void packet() {
        int x = Math.max(-256, Math.min(255, dx)), y = Math.max(-256, Math.min(255, dy));
        dx -= x;
        dy -= y;
        reported = buttons;
        queue.add(0x08 | buttons | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0), x & 0xFF, y & 0xFF);
    }
}
