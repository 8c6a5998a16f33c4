package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A small driver for a Fusion-MPT controller, written from the message interface's facts. */
final class LsiDriver {
    static final int DOORBELL = 0x00, SEQUENCE = 0x04, DIAGNOSTIC = 0x08, STATUS = 0x30, MASK = 0x34, REQUEST = 0x40, REPLY = 0x44;
    static final int SLOT = 16, PORT = 0x2000;
    static final long BAR1 = 0xE000_0000L, FRAMES = 0x10_0000, REPLIES = 0x18_0000, SENSE = 0x1C_0000, DATA = 0x20_0000;
    private static final int FRAME = 128, REPLY_FRAMES = 64;

    final TestMachine pc;

    /** A reply: by context alone, or with a frame. */
    record Reply(int context, ByteBuffer frame) {
        boolean plain() { return frame == null; }
        int status() { return frame.getShort(0x0E) & 0xFFFF; }
        int scsiStatus() { return frame.get(0x0C) & 0xFF; }
        int scsiState() { return frame.get(0x0D) & 0xFF; }
        int transferred() { return frame.getInt(0x14); }
    }

    /** Gives the function its places. */
    LsiDriver(TestMachine pc) {
        this.pc = pc;
        pc.pci(SLOT, 0, 0x10, PORT);
        pc.pci(SLOT, 0, 0x14, BAR1);
        pc.pci(SLOT, 0, 0x04, 7);
    }

    long in(int register) { return pc.read(BAR1 + register); }

    void out(int register, long value) { pc.write(BAR1 + register, value); }

    boolean line() { return pc.lines[19]; }

    // -- messages --

    static ByteBuffer message(int bytes, int function, int context) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN).put(3, (byte) function).putInt(8, context);
    }

    /** Sends by the doorbell, polling as drivers do. */
    void sendByDoorbell(ByteBuffer message) {
        out(STATUS, 0);
        out(DOORBELL, 0x42L << 24 | (long) message.capacity() / 4 << 16);
        assertEquals(1, in(STATUS) & 1, "the IOC is ready for the message");
        assertEquals(0x0800_0000, in(DOORBELL) & 0x0800_0000, "the doorbell is in use");
        out(STATUS, 0);
        for (int i = 0; i < message.capacity(); i += 4) {
            out(DOORBELL, message.getInt(i) & 0xFFFF_FFFFL);
            assertEquals(0, in(STATUS) >>> 31, "the word is taken");
        }
    }

    int word() {
        assertEquals(1, in(STATUS) & 1, "a word of the reply is there");
        int word = (int) in(DOORBELL) & 0xFFFF;
        out(STATUS, 0);
        return word;
    }

    ByteBuffer byDoorbell(ByteBuffer message) {
        sendByDoorbell(message);
        int first = word(), second = word(), words = 2 * (second & 0xFF);
        ByteBuffer reply = ByteBuffer.allocate(2 * words).order(ByteOrder.LITTLE_ENDIAN).putShort((short) first).putShort((short) second);
        for (int i = 2; i < words; i++) reply.putShort((short) word());
        assertEquals(1, in(STATUS) & 1, "the doorbell is free again");
        out(STATUS, 0);
        assertEquals(0, in(DOORBELL) & 0x0800_0000);
        return reply.clear();
    }

    ByteBuffer facts() { return byDoorbell(message(12, 3, 0x11)); }

    int state() { return (int) (in(DOORBELL) >>> 28); }

    /** Brings it up as drivers do. */
    LsiDriver start() {
        out(DOORBELL, 0x40L << 24);
        assertEquals(1, state());
        facts();
        byDoorbell(message(12, 5, 0x12));
        for (int i = 0; i < REPLY_FRAMES; i++) out(REPLY, REPLIES + (long) i * FRAME);
        ByteBuffer init = message(24, 2, 0x13).put(0, (byte) 4).put(5, (byte) 16).put(6, (byte) 1).putShort(0x0C, (short) FRAME);
        assertEquals(0, byDoorbell(init).getShort(0x0E));
        assertEquals(2, state());
        byDoorbell(message(12, 6, 0x14));
        out(MASK, 1);
        return this;
    }

    /** Posts a message in the frame of this number. */
    void post(int frame, ByteBuffer message) {
        long at = FRAMES + (long) frame * FRAME;
        pc.guestMemory.write(at, new byte[FRAME], 0, FRAME);
        pc.guestMemory.write(at, message.array(), 0, message.capacity());
        out(REQUEST, at);
    }

    /** All replies that there are; frames are given back. */
    List<Reply> replies() {
        List<Reply> replies = new ArrayList<>();
        for (long value = in(REPLY); value != 0xFFFF_FFFFL; value = in(REPLY)) {
            if (value < 0x8000_0000L) {
                replies.add(new Reply((int) value, null));
                continue;
            }
            long address = value << 1 & 0xFFFF_FFFFL;
            byte[] frame = new byte[FRAME];
            pc.guestMemory.read(address, frame, 0, FRAME);
            out(REPLY, address);
            ByteBuffer reply = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
            replies.add(new Reply(reply.getInt(8), reply));
        }
        return replies;
    }

    Reply reply() {
        List<Reply> replies = replies();
        assertEquals(1, replies.size());
        return replies.get(0);
    }

    // -- SCSI --

    /** A command with one element of data. @param write where data go @param context also the frame */
    ByteBuffer io(int context, int target, String cdb, boolean write, long address, int bytes) {
        ByteBuffer message = message(FRAME, 0, context).put(0, (byte) target).put(4, (byte) (cdb.length() / 2)).put(5, (byte) 18);
        message.putInt(0x14, bytes == 0 ? 0 : write ? 0x0100_0000 : 0x0200_0000).putInt(0x28, bytes).putInt(0x2C, (int) SENSE + 32 * context);
        for (int i = 0; i < cdb.length(); i += 2) message.put(0x18 + i / 2, (byte) Integer.parseInt(cdb.substring(i, i + 2), 16));
        return message.putInt(0x30, 0xD100_0000 | bytes).putInt(0x34, (int) address); // last, end of buffer, end of list, simple
    }

    Reply command(int target, String cdb, boolean write, int bytes) {
        post(1, io(1, target, cdb, write, DATA, bytes));
        return reply();
    }

    /** Sense key, code and qualifier of a check condition. */
    int sense(int context) {
        long at = SENSE + 32L * context;
        return (int) (pc.guestMemory.read(at + 2, 1) << 16 | pc.guestMemory.read(at + 12, 1) << 8 | pc.guestMemory.read(at + 13, 1));
    }

    void expectSense(Reply reply, int sense) {
        assertTrue(!reply.plain() && reply.scsiStatus() == 2 && reply.scsiState() == 1 && reply.status() == 0, "a check condition");
        assertEquals(Integer.toHexString(sense), Integer.toHexString(sense(reply.context)));
    }

    byte[] data(int bytes) {
        byte[] data = new byte[bytes];
        pc.guestMemory.read(DATA, data, 0, bytes);
        return data;
    }

    /** A configuration request. @return the reply; the page is in the data */
    ByteBuffer config(int action, int type, int number, int address, int bytes) {
        ByteBuffer message = message(0x24, 4, 1).put(0, (byte) action).put(0x16, (byte) number).put(0x17, (byte) type).putInt(0x18, address);
        message.putInt(0x1C, (action == 2 || action == 4 ? 0xD500_0000 : 0xD100_0000) | bytes).putInt(0x20, (int) DATA);
        post(1, message);
        return reply().frame;
    }
}
