package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;

/** A small driver for a Fusion-MPT controller, written from the message interface's facts. */
final class LsiDriver implements ScsiDriver {
    static final int DOORBELL = 0x00, SEQUENCE = 0x04, DIAGNOSTIC = 0x08, STATUS = 0x30, MASK = 0x34, REQUEST = 0x40, REPLY = 0x44;
    static final int SLOT = 16, PORT = 0x2000;
    static final long BAR1 = 0xE000_0000L, FRAMES = 0x10_0000, REPLIES = 0x18_0000, SENSE = 0x1C_0000, DATA = 0x20_0000;
    private static final int FRAME = 128, REPLY_FRAMES = 64;

    /** The machine that it runs in. */
    interface Host {
        long in(int register);

        void out(int register, long value);

        byte[] read(long address, int bytes);

        void write(long address, byte[] bytes);

        /** Commands end some time later. */
        default boolean goesOnByItself() { return false; }
    }

    /** Null elsewhere than in our own machine. */
    final TestMachine pc;
    private final Host host;

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
        host = hostOf(pc);
        pc.pci(SLOT, 0, 0x10, PORT);
        pc.pci(SLOT, 0, 0x14, BAR1);
        pc.pci(SLOT, 0, 0x04, 7);
    }

    /** One whose function has its places. */
    LsiDriver(Host host) {
        pc = null;
        this.host = host;
    }

    private static Host hostOf(TestMachine pc) {
        return new Host() {
            @Override public long in(int register) { return pc.read(BAR1 + register); }

            @Override public void out(int register, long value) { pc.write(BAR1 + register, value); }

            @Override
            public byte[] read(long address, int bytes) {
                byte[] read = new byte[bytes];
                pc.guestMemory.read(address, read, 0, bytes);
                return read;
            }

            @Override public void write(long address, byte[] bytes) { pc.guestMemory.write(address, bytes, 0, bytes.length); }
        };
    }

    /** Done before each access to a register. */
    private Runnable meanwhile = () -> { };

    long in(int register) {
        meanwhile.run();
        return host.in(register);
    }

    void out(int register, long value) {
        meanwhile.run();
        host.out(register, value);
    }

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
    @Override
    public LsiDriver start() {
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
        host.write(at, Arrays.copyOf(message.array(), FRAME));
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
            ByteBuffer reply = ByteBuffer.wrap(host.read(address, FRAME)).order(ByteOrder.LITTLE_ENDIAN);
            out(REPLY, address);
            replies.add(new Reply(reply.getInt(8), reply));
        }
        return replies;
    }

    Reply reply() {
        for (long end = System.nanoTime() + 30_000_000_000L; host.goesOnByItself() && (in(STATUS) & 8) == 0 && System.nanoTime() < end; ) Thread.onSpinWait();
        List<Reply> replies = replies();
        assertEquals(1, replies.size());
        return replies.get(0);
    }

    // -- as any driver --

    @Override public TestMachine pc() { return pc; }

    @Override public void meanwhile(Runnable task) { meanwhile = task; }

    @Override
    public void send(int number, int target, String cdb, boolean write, long address, int bytes) {
        post(number, io(number, target, cdb, write, address, bytes));
    }

    @Override
    public String take(IntConsumer ended) {
        StringBuilder seen = new StringBuilder();
        for (Reply reply : replies()) {
            seen.append(reply.context).append(reply.plain() ? "" : Arrays.toString(reply.frame.array())).append(' ');
            ended.accept(reply.context);
        }
        return seen.toString();
    }

    @Override
    public String otherwise(Random random) {
        switch (random.nextInt(8)) {
            case 0: return Arrays.toString(facts().array());
            case 1:
                post(70, tasks(70, random));
                return "";
            case 2:
                sendByDoorbell(tasks(71, random));
                return "";
            case 3:
                out(MASK, random.nextInt(16));
                return in(MASK) + " ";
            case 4:
                int action = random.nextInt(7), number = random.nextInt(4), type = random.nextInt(5), bytes = 4 * random.nextInt(8);
                pc.guestMemory.write(DATA + 0x10_0000, 8, random.nextLong());
                post(72, config(72, action, type, number, random.nextInt(6), DATA + 0x10_0000, bytes));
                return "";
            case 5:
                post(73, message(12, 7, 73).put(0, (byte) random.nextInt(2)));
                return "";
            case 6: return in(DOORBELL) + " " + in(STATUS) + " " + in(DIAGNOSTIC);
            default:
                out(SEQUENCE, new int[] {4, 0xB, 2, 7, 0xD, 0xF}[random.nextInt(6)]);
                return "";
        }
    }

    /** Task management of any kind. */
    private static ByteBuffer tasks(int context, Random random) {
        return message(0x34, 1, context).put(0, (byte) random.nextInt(6)).put(5, (byte) (1 + random.nextInt(7))).putInt(0x30, random.nextInt(64));
    }

    // -- SCSI --

    /** A command with one element of data. @param write where data go @param context also the frame */
    ByteBuffer io(int context, int target, String cdb, boolean write, long address, int bytes) {
        ByteBuffer message = message(FRAME, 0, context).put(0, (byte) target).put(4, (byte) (cdb.length() / 2)).put(5, (byte) 18);
        message.putInt(0x14, bytes == 0 ? 0 : write ? 0x0100_0000 : 0x0200_0000).putInt(0x28, bytes).putInt(0x2C, (int) SENSE + 32 * context);
        for (int i = 0; i < cdb.length(); i += 2) message.put(0x18 + i / 2, (byte) Integer.parseInt(cdb.substring(i, i + 2), 16));
        return message.putInt(0x30, 0xD100_0000 | bytes).putInt(0x34, (int) address); // last, end of buffer, end of list, simple
    }

    /** Gives a command for 2048 bytes a list of four elements, of both widths, in two chains. */
    void chain(ByteBuffer io) {
        io.put(2, (byte) (0x44 / 4)).putInt(0x30, 0x1000_0000 | 100).putInt(0x34, (int) DATA);
        io.putInt(0x38, 0x9200_0000 | 412).putInt(0x3C, (int) DATA + 100).putInt(0x40, 0); // the last before the chain
        io.putInt(0x44, 0x3000_0000 | 20 | 3 << 16).putInt(0x48, 0x5_0000); // 20 bytes, in which a chain follows at dword 3
        ByteBuffer more = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN).putInt(0x9200_0000 | 1024).putLong(DATA + 512);
        host.write(0x5_0000, more.putInt(0x3000_0000 | 8).putInt(0x6_0000).array());
        host.write(0x6_0000, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(0xD100_0000 | 512).putInt((int) DATA + 1536).array());
    }

    Reply command(int target, String cdb, boolean write, int bytes) {
        post(1, io(1, target, cdb, write, DATA, bytes));
        return reply();
    }

    /** Sense key, code and qualifier of a check condition. */
    int sense(int context) {
        byte[] sense = host.read(SENSE + 32L * context, 14);
        return (sense[2] & 0xF) << 16 | (sense[12] & 0xFF) << 8 | sense[13] & 0xFF;
    }

    void expectSense(Reply reply, int sense) {
        assertTrue(!reply.plain() && reply.scsiStatus() == 2 && reply.scsiState() == 1, "a check condition");
        assertTrue(reply.status() == 0 || reply.status() == 0x45, "well, or with too few data");
        assertEquals(Integer.toHexString(sense), Integer.toHexString(sense(reply.context)));
    }

    byte[] data(int bytes) { return host.read(DATA, bytes); }

    /** A configuration request. @return the reply; the page is in the data */
    ByteBuffer config(int action, int type, int number, int address, int bytes) {
        post(1, config(1, action, type, number, address, DATA, bytes));
        return reply().frame;
    }

    private static ByteBuffer config(int context, int action, int type, int number, int address, long data, int bytes) {
        ByteBuffer message = message(0x24, 4, context).put(0, (byte) action).put(0x16, (byte) number).put(0x17, (byte) type).putInt(0x18, address);
        return message.putInt(0x1C, (action == 2 || action == 4 ? 0xD500_0000 : 0xD100_0000) | bytes).putInt(0x20, (int) data);
    }
}
