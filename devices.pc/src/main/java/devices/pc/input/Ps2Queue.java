package devices.pc.input;

import vmkernel.api.handover.StateRecord;

/** What a PS/2 device has to send: a small ring of bytes. Answers to commands always fit, events only while there is room. */
final class Ps2Queue {
    private static final int SIZE = 32, EVENTS = 16;

    private final byte[] bytes = new byte[SIZE];
    private int first, size;
    private int last; // for the resend command

    boolean hasRoom(int count) { return size + count <= EVENTS; }

    boolean isEmpty() { return size == 0; }

    /** Drops the byte when even the reserve for answers is full: a host that never reads gets no more of them. */
    void add(int... values) {
        for (int value : values) if (size < SIZE) bytes[first + size++ & SIZE - 1] = (byte) value;
    }

    int remove() {
        if (size == 0) return -1;
        last = bytes[first] & 0xFF;
        first = first + 1 & SIZE - 1;
        size--;
        return last;
    }

    void resend() { add(last); }

    void clear() { size = 0; }

    void exchange(StateRecord state) {
        state.fill("bytes", bytes);
        first = state.exchange("first", first);
        size = state.exchange("size", size);
        last = state.exchange("last", last);
    }
}
