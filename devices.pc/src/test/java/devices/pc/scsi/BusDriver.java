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

/** A small driver for a MultiMaster, written from the facts of its ports, mailboxes and CCBs. */
final class BusDriver implements ScsiDriver {
    static final int PORT = 0x2000, SLOT = 16;
    static final long MAILBOXES = 0x10_0000, CCBS = 0x11_0000, SENSE = 0x1C_0000, DATA = 0x20_0000;
    static final int CONTROL = 0, DATA_PORT = 1, INTERRUPT = 2, GEOMETRY = 3;
    private static final int CCB = 64;

    final TestMachine pc;
    final int boxes;
    private int out, in;
    private boolean lost; // an interrupt of mailboxes was reset together with that of a command

    /** An incoming mailbox. */
    record Mail(int ccb, int host, int target, int completion) {}

    BusDriver(TestMachine pc, int boxes) {
        this.pc = pc;
        this.boxes = boxes;
        pc.pci(SLOT, 0, 0x10, PORT);
        pc.pci(SLOT, 0, 0x14, 0xE000_0000L);
        pc.pci(SLOT, 0, 0x04, 7);
    }

    /** Done before each access to a register. */
    private Runnable meanwhile = () -> { };

    int in(int register) {
        meanwhile.run();
        return pc.in(PORT + register);
    }

    void out(int register, int value) {
        meanwhile.run();
        pc.out(PORT + register, value);
    }

    boolean line() { return pc.lines[19]; }

    // -- commands --

    /** Gives a command and takes its answer, polling as drivers do. @return null if it was refused */
    byte[] command(int command, int... parameters) {
        assertEquals(0x10, in(CONTROL) & 0x18, "ready for a command");
        out(DATA_PORT, command);
        for (int parameter : parameters) {
            if ((in(INTERRUPT) & 4) != 0) break;
            assertEquals(0, in(CONTROL) & 0x08, "takes a parameter");
            out(DATA_PORT, parameter);
        }
        List<Integer> answer = new ArrayList<>();
        while ((in(INTERRUPT) & 4) == 0) {
            assertEquals(4, in(CONTROL) & 4, "a byte of the answer is there");
            answer.add(in(DATA_PORT));
        }
        boolean refused = (in(CONTROL) & 1) != 0;
        out(CONTROL, 0x20);
        byte[] bytes = new byte[answer.size()];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (int) answer.get(i);
        return refused ? null : bytes;
    }

    void reset() {
        out(CONTROL, 0x80);
        assertEquals(0x80, in(CONTROL) & 0x80, "diagnostics are active");
        assertEquals(0x30, in(CONTROL), "ready, and to be initialized");
    }

    /** Brings it up as drivers do. */
    @Override
    public BusDriver start() {
        reset();
        pc.guestMemory.write(MAILBOXES, new byte[16 * boxes], 0, 16 * boxes);
        out = in = 0;
        command(0x81, boxes, (int) MAILBOXES & 0xFF, (int) MAILBOXES >> 8 & 0xFF, (int) MAILBOXES >> 16 & 0xFF, (int) MAILBOXES >> 24);
        assertEquals(0x10, in(CONTROL));
        return this;
    }

    // -- mailboxes --

    static int ccb(int number) { return (int) CCBS + CCB * number; }

    /** Puts a CCB in the next outgoing mailbox, without a word. */
    void put(int number, int action, ByteBuffer ccb) {
        if (ccb != null) pc.guestMemory.write(ccb(number), ccb.array(), 0, ccb.capacity());
        long box = MAILBOXES + 8L * out;
        assertEquals(0, pc.guestMemory.read(box + 7, 1), "the mailbox is free");
        pc.guestMemory.write(box, 4, ccb(number));
        pc.guestMemory.write(box + 7, 1, action);
        out = (out + 1) % boxes;
    }

    void ring() { out(DATA_PORT, 2); }

    /** What has come, in the driver's way: interrupt first, then all mailboxes. */
    List<Mail> mail() {
        List<Mail> mail = new ArrayList<>();
        if ((in(INTERRUPT) & 0x80) == 0 && !lost) return mail;
        lost = false;
        out(CONTROL, 0x20);
        for (long box = box(); pc.guestMemory.read(box + 7, 1) != 0; box = box()) {
            int status = (int) pc.guestMemory.read(box + 4, 4);
            mail.add(new Mail((int) pc.guestMemory.read(box, 4), status & 0xFF, status >> 8 & 0xFF, status >>> 24));
            pc.guestMemory.write(box + 7, 1, 0);
            in = (in + 1) % boxes;
        }
        return mail;
    }

    private long box() { return MAILBOXES + 8L * (boxes + in); }

    // -- as any driver --

    @Override public TestMachine pc() { return pc; }

    @Override public void meanwhile(Runnable task) { meanwhile = task; }

    @Override
    public void send(int number, int target, String cdb, boolean write, long address, int bytes) {
        put(number, 1, io(number, bytes % 1024 == 0 ? 0 : 3, target, cdb, write ? 2 : bytes == 0 ? 3 : 1, address, bytes));
        ring();
    }

    @Override
    public String take(IntConsumer ended) {
        List<Mail> mail = mail();
        for (Mail each : mail) ended.accept((each.ccb - (int) CCBS) / CCB);
        return mail.toString();
    }

    @Override
    public String otherwise(Random random) {
        switch (random.nextInt(8)) {
            case 0: return Arrays.toString(quietly(new int[] {0x04, 0x0A, 0x0B, 0x23, 0x24, 0x84, 0x85, 0x86}[random.nextInt(8)]));
            case 1: return Arrays.toString(quietly(new int[] {0x0D, 0x8B, 0x8C, 0x8D}[random.nextInt(4)], random.nextInt(40)));
            case 2: return Arrays.toString(quietly(0x91, random.nextInt(256), random.nextInt(256)));
            case 3: return Arrays.toString(quietly(0x90, random.nextInt(40), 2, random.nextInt(256), random.nextInt(256)));
            case 4:
                put(random.nextInt(64), 2, null);
                ring();
                return "";
            case 5:
                put(70, 1, io(70, 0x81, random.nextInt(4), "", 3, 0, 0));
                ring();
                return "";
            case 6:
                out(DATA_PORT, 0x95);
                out(DATA_PORT, random.nextInt(8));
                return Boolean.toString(pc.claimsPort(0x330));
            default:
                command(0x8F, random.nextInt(2));
                return in(CONTROL) + " " + in(GEOMETRY);
        }
    }

    /** A command while CCBs are under way: the interrupt of their mailboxes is kept. */
    private byte[] quietly(int command, int... parameters) {
        boolean mail = (in(INTERRUPT) & 1) != 0;
        byte[] answer = command(command, parameters);
        lost |= mail;
        return answer;
    }

    // -- SCSI --

    /** @param operation of the CCB @param direction 0 any, 1 in, 2 out, 3 none */
    ByteBuffer io(int number, int operation, int target, String cdb, int direction, long address, int bytes) {
        ByteBuffer ccb = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
        ccb.put(0, (byte) operation).put(1, (byte) (direction << 3)).put(2, (byte) (cdb.length() / 2)).put(3, (byte) 18);
        ccb.putInt(4, bytes).putInt(8, (int) address).put(0x10, (byte) target).putInt(0x24, (int) SENSE + 32 * number);
        for (int i = 0; i < cdb.length(); i += 2) ccb.put(0x12 + i / 2, (byte) Integer.parseInt(cdb.substring(i, i + 2), 16));
        return ccb;
    }

    Mail command(int target, String cdb, int direction, int bytes) {
        put(1, 1, io(1, 3, target, cdb, direction, DATA, bytes));
        ring();
        List<Mail> mail = mail();
        assertEquals(1, mail.size());
        return mail.get(0);
    }

    int residual(int number) { return (int) pc.guestMemory.read(ccb(number) + 4, 4); }

    int sense(int number) {
        long at = SENSE + 32L * number;
        return (int) (pc.guestMemory.read(at + 2, 1) << 16 | pc.guestMemory.read(at + 12, 1) << 8 | pc.guestMemory.read(at + 13, 1));
    }

    void expectSense(Mail mail, int number, int sense) {
        assertTrue(mail.completion == 4 && mail.target == 2 && mail.host == 0, "a check condition: " + mail);
        assertEquals(Integer.toHexString(sense), Integer.toHexString(sense(number)));
    }

    byte[] data(int bytes) {
        byte[] data = new byte[bytes];
        pc.guestMemory.read(DATA, data, 0, bytes);
        return data;
    }
}
