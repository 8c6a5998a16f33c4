package devices.pc.scsi;

import devices.pc.PcDevice;
import devices.pc.bus.RegisterFile;
import devices.pc.bus.RegisterMap;
import devices.pc.chipset.PciFunction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;

/**
 * The LSI Logic 53C1030, an Ultra320 SCSI controller with the Fusion-MPT message interface [MPI]: its PCI function, system
 * interface registers, doorbell and FIFOs. What the messages mean is told by {@link LsiFirmware}. The firmware is there at once,
 * so the driver never sees it start.
 */
public final class LsiLogic implements PcDevice, RegisterFile<LsiRegister> {
    static final int STATE_READY = 1, STATE_OPERATIONAL = 2, STATE_FAULT = 4;
    /** Messages that the driver may have under way, and replies that the FIFOs hold. */
    static final int CREDITS = 256, REPLIES = 512;
    private static final int IO_BYTES = 0x100, MEMORY_BYTES = 0x2_0000, DIAGNOSTIC_BYTES = 0x1_0000;
    private static final int SUBSYSTEM_ID = 0x1976_15AD;
    private static final int FUNCTION_UNIT_RESET = 0x40, FUNCTION_IO_UNIT_RESET = 0x41, FUNCTION_HANDSHAKE = 0x42; // of the doorbell
    private static final int DOORBELL_ACTIVE = 0x0800_0000;
    private static final int INTERRUPT_DOORBELL = 0x01, INTERRUPT_REPLY = 0x08;
    private static final int[] KEYS = {0x4, 0xB, 0x2, 0x7, 0xD}; // open the diagnostic register for writing
    private static final int DIAGNOSTIC_WRITE = 0x80, DIAGNOSTIC_RESET_HISTORY = 0x20, DIAGNOSTIC_RESET = 0x04, DIAGNOSTIC_KEPT = 0x0212;
    private static final int ADDRESS_REPLY = 0x8000_0000, EMPTY = -1;
    private static final int FAULT_REPLIES = 0x2622; // no room for a reply

    private final DeviceContext context;
    private final GuestMemory memory;
    private final PciFunction function;
    private final InterruptLine line;
    private final LsiFirmware firmware;
    private final byte[] frame = new byte[LsiFirmware.FRAME_BYTES];
    private final ByteBuffer message = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);

    private int state, faultCode, sequence, diagnostic, mask;
    private boolean doorbellInterrupt, level;
    private final IntFifo free = new IntFifo(REPLIES), posted = new IntFifo(REPLIES);
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>(); // replies that wait for a frame of the driver
    private byte[] incoming = {}; // message that comes by the doorbell, as far as it is known
    private int received;       // bytes of it
    private byte[] outgoing = {}; // reply that goes by the doorbell
    private int sent;           // bytes of it

    public LsiLogic(DeviceContext context) {
        this.context = context;
        memory = context.memory();
        RegisterMap<LsiRegister> registers = new RegisterMap<>(IO_BYTES, LsiRegister.values(), this);
        function = new PciFunction(context, 0x1000, 0x0030, 0x01_00_00, 0x01)
            .register(PciFunction.COMMAND, 2, 0, PciFunction.COMMAND_MASTER | 0x0150)
            .register(PciFunction.STATUS, 2, 0x0200, 0).clearedByOnes(PciFunction.STATUS, 2, 0xF900)
            .register(0x0C, 2, 0, 0xF8FF)               // cache line size, latency timer
            .register(PciFunction.SUBSYSTEM, 4, SUBSYSTEM_ID, 0)
            .register(0x3E, 2, 0x0611, 0)               // MIN_GNT, MAX_LAT
            .interruptPin(1)
            .ioWindow(0, IO_BYTES, registers)
            .memoryWindow(1, MEMORY_BYTES, beginning(registers))
            .memoryWindow(2, DIAGNOSTIC_BYTES, beginning(null)); // the chip's own memory, which is not shown
        line = PciFunction.interrupt(context, context.claimPci(-1, 0, function), 1);
        firmware = new LsiFirmware(context, this);
    }

    /** The registers at the beginning of a window; the rest reads as 0. */
    private static IoHandler beginning(IoHandler registers) {
        return new IoHandler() {
            private boolean there(long offset, int bytes) { return registers != null && offset + bytes <= IO_BYTES; }

            @Override
            public long read(long offset, int bytes) { return there(offset, bytes) ? registers.read(offset, bytes) : 0; }

            @Override
            public void write(long offset, int bytes, long value) { if (there(offset, bytes)) registers.write(offset, bytes, value); }
        };
    }

    @Override
    public String schema() { return "devices.pc/lsilogic"; }

    @Override
    public void exchange(StateRecord record) {
        function.exchange(record.child("pci"));
        state = record.exchange("state", state);
        faultCode = record.exchange("faultCode", faultCode);
        sequence = record.exchange("sequence", sequence);
        diagnostic = record.exchange("diagnostic", diagnostic);
        mask = record.exchange("mask", mask);
        doorbellInterrupt = record.exchange("doorbellInterrupt", doorbellInterrupt);
        level = record.exchange("level", level);
        free.exchange(record, "free");
        posted.exchange(record, "posted");
        incoming = record.exchange("incoming", incoming);
        received = record.exchange("received", received);
        outgoing = record.exchange("outgoing", outgoing);
        sent = record.exchange("sent", sent);
        int count = record.exchange("waiting", waiting.size());
        byte[][] replies = waiting.toArray(new byte[0][]);
        waiting.clear();
        for (int i = 0; i < count; i++) waiting.add(record.exchange("waiting" + i, i < replies.length ? replies[i] : new byte[0]));
        if (record.loading()) line.restore(level);
        firmware.exchange(record.child("firmware"));
    }

    @Override
    public void reset() {
        function.reset();
        diagnostic = 0;
        hardReset();
        firmware.powerOn();
    }

    @Override
    public void close() { firmware.close(); }

    // -- registers --

    @Override
    public int read(LsiRegister register) {
        return switch (register) {
            case DOORBELL -> doorbell();
            case DIAGNOSTIC -> diagnostic;
            case INTERRUPT_STATUS -> interruptStatus();
            case INTERRUPT_MASK -> mask;
            case REPLY_FIFO -> takeReply();
            default -> 0;
        };
    }

    @Override
    public void write(LsiRegister register, int value, int lanes) {
        if (lanes != -1) {
            context.misuse("part of a register of the SCSI controller written");
            return;
        }
        switch (register) {
            case DOORBELL -> ring(value);
            case WRITE_SEQUENCE -> unlock(value & 0xF);
            case DIAGNOSTIC -> diagnose(value);
            case INTERRUPT_STATUS -> acknowledge();
            case INTERRUPT_MASK -> mask = value & (INTERRUPT_DOORBELL | INTERRUPT_REPLY);
            case REQUEST_FIFO, PRIORITY_FIFO -> request(value & ~3);
            case REPLY_FIFO -> giveFrame(value);
            default -> { } // nothing there that a driver needs
        }
        signal();
    }

    private int interruptStatus() { return (doorbellInterrupt ? INTERRUPT_DOORBELL : 0) | (posted.isEmpty() ? 0 : INTERRUPT_REPLY); }

    private void signal() {
        boolean wanted = (interruptStatus() & ~mask) != 0;
        if (wanted == level) return;
        level = wanted;
        line.set(wanted);
    }

    // -- diagnostics and resets --

    private void unlock(int key) {
        if (sequence < KEYS.length && key == KEYS[sequence]) sequence++;
        else sequence = key == KEYS[0] ? 1 : 0;
        if (sequence == KEYS.length) diagnostic |= DIAGNOSTIC_WRITE;
        else if (sequence == 0) diagnostic &= ~DIAGNOSTIC_WRITE;
    }

    private void diagnose(int value) {
        if ((diagnostic & DIAGNOSTIC_WRITE) == 0) return;
        diagnostic = diagnostic & (DIAGNOSTIC_WRITE | value & DIAGNOSTIC_RESET_HISTORY) | value & DIAGNOSTIC_KEPT;
        if ((value & DIAGNOSTIC_RESET) == 0) return;
        hardReset();
        diagnostic = DIAGNOSTIC_RESET_HISTORY;
    }

    /** The whole chip; the bus is reset with it. */
    private void hardReset() {
        sequence = 0;
        mask = INTERRUPT_DOORBELL | INTERRUPT_REPLY;
        incoming = outgoing = new byte[0];
        received = sent = 0;
        doorbellInterrupt = false;
        unitReset();
        firmware.hardReset();
    }

    /** MESSAGE UNIT RESET: queues are empty, messages forgotten, and the IOC waits to be initialized. */
    private void unitReset() {
        state = STATE_READY;
        faultCode = 0;
        free.clear();
        posted.clear();
        waiting.clear();
        firmware.unitReset();
        signal();
    }

    void operational() { if (state == STATE_READY) state = STATE_OPERATIONAL; }

    boolean isOperational() { return state == STATE_OPERATIONAL; }

    // -- doorbell: a message in 32-bit words, and its reply in 16-bit words [MPI System Interface].3 --

    private int doorbell() {
        int active = incoming.length > 0 || outgoing.length > 0 ? DOORBELL_ACTIVE : 0;
        int data = state == STATE_FAULT ? faultCode : 0;
        if (outgoing.length > 0) data = outgoing[sent] & 0xFF | (outgoing[sent + 1] & 0xFF) << 8;
        return state << 28 | active | firmware.initiatorKind() << 24 | data;
    }

    private void ring(int value) {
        if (incoming.length > 0) {
            for (int i = 0; i < 4; i++) incoming[received++] = (byte) (value >>> 8 * i);
            if (received == incoming.length) handshake();
            return;
        }
        switch (value >>> 24) {
            case FUNCTION_UNIT_RESET -> unitReset();
            case FUNCTION_IO_UNIT_RESET -> hardReset();
            case FUNCTION_HANDSHAKE -> {
                int words = value >> 16 & 0xFF;
                if (words < 3 || outgoing.length > 0 || state == STATE_FAULT) {
                    context.misuse("doorbell of the SCSI controller out of turn");
                    return;
                }
                incoming = new byte[4 * words];
                received = 0;
                doorbellInterrupt = true;
            }
            default -> context.misuse("doorbell function of the SCSI controller");
        }
    }

    /** A message has come; its reply goes the same way, if it has one at once. */
    private void handshake() {
        ByteBuffer request = ByteBuffer.wrap(incoming).order(ByteOrder.LITTLE_ENDIAN);
        incoming = new byte[0];
        ByteBuffer reply = firmware.handshake(request);
        outgoing = reply == null ? new byte[0] : reply.array();
        sent = 0;
        doorbellInterrupt = true; // a word of the reply is there, or the doorbell is free
    }

    /** The driver has taken a word; one more interrupt says that the doorbell is free. */
    private void acknowledge() {
        doorbellInterrupt = false;
        if (outgoing.length == 0) return;
        sent += 2;
        doorbellInterrupt = true;
        if (sent >= outgoing.length) outgoing = new byte[0];
    }

    // -- FIFOs --

    private void request(int address) {
        if (state != STATE_OPERATIONAL || !function.isBusMaster()) {
            context.misuse("request to a SCSI controller that is not operational");
            return;
        }
        long at = firmware.frameAddress(address);
        memory.read(at, frame, 0, frame.length);
        message.clear();
        ByteBuffer reply = firmware.message(message);
        if (reply != null) reply(reply.array());
    }

    /** An end without anything to say about it: the message context. */
    void contextReply(int context) { post(context); }

    /** A reply in one of the driver's frames, or later when there is one. */
    void reply(byte[] reply) {
        if (!free.isEmpty()) put(reply);
        else if (waiting.size() < REPLIES) waiting.add(reply);
        else fault();
        signal();
    }

    private void put(byte[] reply) {
        int address = free.take();
        memory.write(firmware.frameAddress(address), reply, 0, Math.min(reply.length, firmware.replyFrameBytes()));
        post(ADDRESS_REPLY | address >>> 1);
    }

    private void post(int reply) {
        if (posted.isFull()) fault();
        else posted.add(reply);
        signal();
    }

    private void giveFrame(int address) {
        if (state != STATE_OPERATIONAL && state != STATE_READY || free.isFull()) {
            context.misuse("more reply frames than the SCSI controller holds");
            return;
        }
        free.add(address);
        if (!waiting.isEmpty()) put(waiting.remove());
    }

    private int takeReply() {
        if (posted.isEmpty()) return EMPTY;
        int reply = posted.take();
        signal();
        return reply;
    }

    /** The driver did not take its replies: nothing goes on before a reset. */
    private void fault() {
        if (state == STATE_FAULT) return;
        context.misuse("replies of the SCSI controller not taken");
        firmware.unitReset();
        state = STATE_FAULT;
        faultCode = FAULT_REPLIES;
    }

    /** A ring of numbers. */
    private static final class IntFifo {
        private final int[] values;
        private int first, size;

        IntFifo(int capacity) { values = new int[capacity]; }

        boolean isEmpty() { return size == 0; }

        boolean isFull() { return size == values.length; }

        void clear() { size = 0; }

        void add(int value) { values[(first + size++) % values.length] = value; }

        int take() {
            int value = values[first];
            first = (first + 1) % values.length;
            size--;
            return value;
        }

        void exchange(StateRecord state, String name) {
            long[] content = new long[size];
            for (int i = 0; i < size; i++) content[i] = values[(first + i) % values.length];
            content = state.exchange(name, content);
            if (!state.loading()) return;
            if (content.length > values.length) throw new IllegalArgumentException(name + ": " + content.length + " numbers; it holds " + values.length);
            clear();
            Arrays.stream(content).forEach(value -> add((int) value));
        }
    }
}
