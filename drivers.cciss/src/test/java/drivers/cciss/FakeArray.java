package drivers.cciss;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.memory.HostMemory;

/**
 * A small Smart Array of the tests' own, written from the register descriptions and not from the driver. It executes commands when
 * they are posted (or when {@link #run} is called, if {@link #held}), and calls the interrupt handler from {@link #pump} only, so
 * that a test sees every step. DMA buffers have guards around them.
 */
class FakeArray implements PciDevice {
    static final PciId BOARD_5I = new PciId(0x0E11, 0xB178, 0x0E11, 0x4080, 0x010400, 1);
    static final PciId BOARD_P400 = new PciId(0x103C, 0x3230, 0x103C, 0x3234, 0x010400, 1);

    private static final int GUARD = 64;
    private static final byte GUARD_BYTE = (byte) 0xA5;
    private static final long BUS = 0x4000_0000L; // where memory begins on the bus

    /** A volume: blocks that were written, by number. */
    static final class Disk {
        final int number;
        final long blocks;
        final int blockBytes;
        final Map<Long, byte[]> written = new HashMap<>();
        boolean readOnly, failed;
        int attention; // sense of a unit attention that is to be told
        boolean reserved, reservedByAnother;

        Disk(int number, long blocks, int blockBytes) {
            this.number = number;
            this.blocks = blocks;
            this.blockBytes = blockBytes;
        }

        byte[] block(long number) { return written.getOrDefault(number, new byte[blockBytes]); }
    }

    /** What goes wrong with a command. */
    record Fault(int commandStatus, int scsiStatus, int residual, byte[] sense) {
        /** It never comes back. */
        static final Fault LOST = new Fault(-1, 0, 0, new byte[0]);
        /** It comes back twice. */
        static final Fault TWICE = new Fault(-2, 0, 0, new byte[0]);

        static Fault status(int commandStatus) { return new Fault(commandStatus, 0, 0, new byte[0]); }

        static Fault check(int key, int code, int qualifier) { return new Fault(1, 2, 0, fixed(key, code, qualifier)); }
    }

    static byte[] fixed(int key, int code, int qualifier) {
        byte[] sense = new byte[18];
        sense[0] = 0x70;
        sense[2] = (byte) key;
        sense[7] = 10;
        sense[12] = (byte) code;
        sense[13] = (byte) qualifier;
        return sense;
    }

    /** A command as the controller reads it. */
    final class Posted {
        final long at;
        final int tag, cdbLength, kind, direction, sgCount;
        final int[] cdb = new int[16];
        final byte[] lun = new byte[8];

        Posted(long bus) {
            at = host(bus, 548);
            sgCount = HostMemory.getByte(at + 1) & 0xFF;
            tag = HostMemory.getInt(at + 4);
            HostMemory.read(at + 0x0C, lun, 0, 8);
            cdbLength = HostMemory.getByte(at + 0x14) & 0xFF;
            int packed = HostMemory.getByte(at + 0x15) & 0xFF;
            kind = packed & 7;
            direction = packed >>> 6;
            for (int i = 0; i < 16; i++) cdb[i] = HostMemory.getByte(at + 0x18 + i) & 0xFF;
            if ((tag & 3) != 0 || HostMemory.getInt(at + 8) != 0) broken("tag " + Integer.toHexString(tag));
            if (sgCount != HostMemory.getShort(at + 2)) broken("SG counts");
            if (sgCount > 0 && HostMemory.getInt(at + 0x40) != 0) broken("SG extension");
        }

        long number(int from, int bytes) {
            long value = 0;
            for (int i = 0; i < bytes; i++) value = value << 8 | cdb[from + i];
            return value;
        }

        int length() { return sgCount == 0 ? 0 : HostMemory.getInt(at + 0x3C); }

        long data() { return host(HostMemory.getLong(at + 0x34), length()); }

        boolean controller() { return Arrays.equals(lun, new byte[8]); }

        boolean transfer() { return kind == 0 && List.of(0x28, 0x2A, 0x88, 0x8A, 0x35).contains(cdb[0]) && !controller(); }
    }

    final PciId id;
    final int interruptBit;
    final List<Disk> disks = new ArrayList<>();
    final List<Posted> seen = new ArrayList<>();
    final Deque<Posted> waiting = new ArrayDeque<>();
    final List<String> complaints = new ArrayList<>();
    private final Deque<Integer> fifo = new ArrayDeque<>();
    private final long memory;
    private final int memoryBytes;
    private int memoryUsed;
    private final List<long[]> buffers = new ArrayList<>();
    private final byte[] config = new byte[256];
    private InterruptHandler handler;

    int scratchpad = 0xFFFF0000, signature = 'C' | 'I' << 8 | 'S' << 16 | 'S' << 24, supported = 2, active, request, maxCommands = 66, heartbeat = 7;
    int readyAfter; // reads of the scratchpad
    int mask, resets, cacheFlushes, tableOffset = 0x400, tableRegister = 0x14;
    boolean doorbellStuck, refuses, held, gone, abortsWork = true;
    int buffersLeft = Integer.MAX_VALUE;
    /** Decides what goes wrong with a command of a volume; null for nothing. */
    Function<Posted, Fault> faults = posted -> null;

    FakeArray() { this(BOARD_5I); }

    FakeArray(PciId id) {
        this.id = id;
        interruptBit = List.of(0x4080, 0x4082, 0x4083).contains(id.subsystemDevice()) && id.subsystemVendor() == 0x0E11 ? 4 : 8;
        memoryBytes = 24 << 20;
        memory = HostMemory.allocate(memoryBytes);
        HostMemory.fill(memory, memoryBytes, GUARD_BYTE);
        config[0x10] = 0; // 32-bit memory
    }

    final Disk disk(int number, long blocks) { return disk(number, blocks, 512); }

    final Disk disk(int number, long blocks, int blockBytes) {
        Disk disk = new Disk(number, blocks, blockBytes);
        disks.add(disk);
        return disk;
    }

    final void free() { HostMemory.free(memory); }

    private void broken(String what) { complaints.add(what); }

    /** Where the bus address is in memory; complains if it is not wholly in one buffer. */
    private long host(long bus, int length) {
        for (long[] buffer : buffers) {
            if (bus >= buffer[0] && bus + length <= buffer[0] + buffer[1]) return memory + (bus - BUS);
        }
        throw new IllegalStateException("DMA at " + Long.toHexString(bus) + ", " + length + " bytes: no buffer is there");
    }

    /** Complaints, of the controller and about what is around the buffers. */
    synchronized List<String> trouble() {
        List<String> result = new ArrayList<>(complaints);
        for (long[] buffer : buffers) {
            for (int i = 1; i <= GUARD; i++) {
                if (HostMemory.getByte(memory + buffer[0] - BUS - i) != GUARD_BYTE) result.add("written before a buffer");
                if (HostMemory.getByte(memory + buffer[0] - BUS + buffer[1] + i - 1) != GUARD_BYTE) result.add("written behind a buffer");
            }
        }
        return result;
    }

    @Override public PciAddress address() { return new PciAddress(2, 4, 0); }

    @Override public PciId id() { return id; }

    @Override
    public int readConfig(int offset, int bytes) {
        if (gone) return bytes == 4 ? -1 : (1 << 8 * bytes) - 1;
        int value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | config[offset + i] & 0xFF;
        return value;
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) {
        for (int i = 0; i < bytes; i++) config[offset + i] = (byte) (value >>> 8 * i);
    }

    final boolean master() { return (readConfig(4, 2) & 6) == 6; }

    @Override public int windowBytes(int bar) { return bar == 0 ? 0x100 : bar == 1 ? 0x1000 : 0; }

    @Override
    public synchronized long read(int bar, int offset, int bytes) {
        if (bytes != 4) broken("access of " + bytes + " bytes");
        return (gone ? -1 : bar == 0 ? register(offset) : table(offset - tableOffset)) & 0xFFFF_FFFFL;
    }

    int register(int offset) {
        return switch (offset) {
            case 0x20 -> doorbellStuck ? 1 : 0;
            case 0x30 -> fifo.isEmpty() ? 0 : interruptBit;
            case 0x34 -> mask;
            case 0x44 -> fifo.isEmpty() ? -1 : fifo.poll();
            case 0xB0 -> readyAfter-- > 0 ? 0 : scratchpad;
            case 0xB4 -> tableRegister;
            case 0xB8 -> tableOffset;
            default -> 0;
        };
    }

    int table(int offset) {
        return switch (offset) {
            case 0x00 -> signature;
            case 0x08 -> supported;
            case 0x0C -> active;
            case 0x10 -> request;
            case 0x20 -> maxCommands;
            case 0x3C -> heartbeat;
            default -> 0;
        };
    }

    @Override
    public synchronized void write(int bar, int offset, int bytes, long value) {
        if (bytes != 4) broken("access of " + bytes + " bytes");
        if (gone) return;
        if (bar == 1) {
            if (offset - tableOffset == 0x10) request = (int) value;
            return;
        }
        switch (offset) {
            case 0x20 -> {
                if ((value & 1) != 0 && !refuses) active = request;
            }
            case 0x34 -> mask = (int) value;
            case 0x40 -> post(value);
            default -> broken("write of register " + Integer.toHexString(offset));
        }
    }

    private void post(long bus) {
        if (active != 2 || !master()) {
            broken("posted too early");
            return;
        }
        Posted posted = new Posted(bus);
        seen.add(posted);
        if (held && posted.transfer()) waiting.add(posted); else execute(posted);
    }

    /** Executes what is held. */
    synchronized void run() {
        while (!waiting.isEmpty()) execute(waiting.poll());
    }

    /** Calls the interrupt handler as long as the line is up. @return true if it was */
    final boolean pump() {
        boolean any = false;
        for (int i = 0; i < 1000 && line(); i++) {
            InterruptHandler now = handler;
            if (now == null || !now.interrupt()) return any;
            any = true;
        }
        return any;
    }

    synchronized boolean line() { return handler != null && !gone && !fifo.isEmpty() && (mask & interruptBit) == 0; }

    /** Puts any tag in the FIFO. */
    synchronized void complete(int tag) { fifo.add(tag); }

    synchronized void execute(Posted posted) {
        Fault fault = posted.transfer() ? faults.apply(posted) : null;
        if (fault == Fault.LOST) {
            lost.add(posted);
            return;
        }
        if (fault == null || fault == Fault.TWICE) fault = perform(posted, fault);
        if (fault == null || fault == Fault.TWICE) {
            complete(posted.tag);
            if (fault != null) complete(posted.tag);
        } else {
            error(posted, fault);
        }
    }

    final List<Posted> lost = new ArrayList<>();

    final void error(Posted posted, Fault fault) {
        int length = HostMemory.getInt(posted.at + 0x30);
        long info = host(HostMemory.getLong(posted.at + 0x28), length);
        if (length != 48) broken("error info of " + length + " bytes");
        HostMemory.putByte(info, (byte) fault.scsiStatus);
        HostMemory.putByte(info + 1, (byte) fault.sense.length);
        HostMemory.putShort(info + 2, (short) fault.commandStatus);
        HostMemory.putInt(info + 4, fault.residual);
        HostMemory.write(info + 16, fault.sense, 0, Math.min(32, fault.sense.length));
        complete(posted.tag | 2);
    }

    private Fault perform(Posted posted, Fault otherwise) {
        if (posted.kind == 1) return message(posted);
        if (posted.controller()) return controller(posted);
        int number = posted.lun[0] & 0xFF | (posted.lun[1] & 0xFF) << 8 | (posted.lun[2] & 0xFF) << 16 | (posted.lun[3] & 0x3F) << 24;
        Disk disk = disks.stream().filter(d -> d.number == number && (posted.lun[3] & 0xC0) == 0x40).findFirst().orElse(null);
        if (disk == null) return Fault.check(5, 0x25, 0);
        if (disk.attention != 0 && posted.cdb[0] != 0x12) {
            int sense = disk.attention;
            disk.attention = 0;
            return Fault.check(sense >> 16, sense >> 8 & 0xFF, sense & 0xFF);
        }
        Fault fault = volume(posted, disk);
        return fault == null ? otherwise : fault;
    }

    private Fault message(Posted posted) {
        if (posted.cdb[0] != 0 || posted.cdb[1] != 0) return Fault.status(4);
        int tag = Integer.reverseBytes((int) posted.number(4, 4));
        Posted victim = lost.stream().filter(p -> p.tag == tag).findFirst().orElse(null);
        if (victim == null || !abortsWork) return abortsWork ? Fault.status(9) : Fault.status(12);
        lost.remove(victim);
        error(victim, Fault.status(8));
        return null;
    }

    private Fault controller(Posted posted) {
        switch (posted.cdb[0]) {
            case 0xC2 -> {
                if (posted.cdbLength != 12) return Fault.status(4);
                byte[] list = new byte[8 + 8 * disks.size()];
                list[3] = (byte) (8 * disks.size());
                list[2] = (byte) (8 * disks.size() >> 8);
                for (int i = 0; i < disks.size(); i++) {
                    int number = disks.get(i).number;
                    for (int n = 0; n < 4; n++) list[8 + 8 * i + n] = (byte) ((number | 0x4000_0000) >>> 8 * n);
                }
                return answer(posted, list, (int) posted.number(6, 4));
            }
            case 0x26 -> {
                if (posted.cdb[6] != 0x12) return Fault.check(5, 0x20, 0);
                byte[] status = new byte[512];
                status[0] = (byte) (disks.stream().anyMatch(d -> d.number == posted.cdb[1] && d.failed) ? 1 : 0);
                return answer(posted, status, (int) posted.number(7, 2));
            }
            case 0x27 -> {
                if (posted.cdb[6] != 0xC2 || posted.direction != 1 || posted.length() != 512) return Fault.status(4);
                cacheFlushes++;
                return null;
            }
            default -> {
                return Fault.check(5, 0x20, 0);
            }
        }
    }

    private Fault volume(Posted posted, Disk disk) {
        switch (posted.cdb[0]) {
            case 0x00 -> { return disk.failed ? Fault.check(2, 4, 0) : null; }
            case 0x12 -> {
                byte[] inquiry = new byte[36];
                inquiry[4] = 31;
                System.arraycopy(String.format("%-8s%-16s%-4s", "COMPAQ", "LOGICAL VOLUME", "2.58").getBytes(), 0, inquiry, 8, 28);
                return answer(posted, inquiry, posted.cdb[4]);
            }
            case 0x1A -> { return answer(posted, new byte[] {3, 0, (byte) (disk.readOnly ? 0x80 : 0), 0}, posted.cdb[4]); }
            case 0x25 -> {
                long last = Math.min(disk.blocks - 1, 0xFFFF_FFFFL);
                return answer(posted, java.nio.ByteBuffer.allocate(8).putInt((int) last).putInt(disk.blockBytes).array(), 8);
            }
            case 0x9E -> {
                byte[] capacity = java.nio.ByteBuffer.allocate(32).putLong(disk.blocks - 1).putInt(disk.blockBytes).array();
                return answer(posted, capacity, (int) posted.number(10, 4));
            }
            case 0x35 -> { return null; }
            case 0x16 -> {
                if (disk.reservedByAnother) return new Fault(1, 0x18, 0, new byte[0]);
                disk.reserved = true;
                return null;
            }
            case 0x17 -> {
                disk.reserved = false;
                return null;
            }
            case 0x28 -> { return transfer(posted, disk, posted.number(2, 4), (int) posted.number(7, 2), false); }
            case 0x2A -> { return transfer(posted, disk, posted.number(2, 4), (int) posted.number(7, 2), true); }
            case 0x88 -> { return transfer(posted, disk, posted.number(2, 8), (int) posted.number(10, 4), false); }
            case 0x8A -> { return transfer(posted, disk, posted.number(2, 8), (int) posted.number(10, 4), true); }
            default -> { return Fault.check(5, 0x20, 0); }
        }
    }

    private Fault answer(Posted posted, byte[] data, int allocated) {
        int length = Math.min(data.length, Math.min(allocated, posted.length()));
        if (posted.direction != 2) broken("direction of an answer");
        HostMemory.write(posted.data(), data, 0, length);
        return length < posted.length() ? new Fault(2, 0, posted.length() - length, new byte[0]) : null;
    }

    private Fault transfer(Posted posted, Disk disk, long block, int blocks, boolean write) {
        if (posted.direction != (write ? 1 : 2) || posted.length() != blocks * disk.blockBytes) broken("direction or length of a transfer");
        if (block + blocks > disk.blocks) return Fault.check(5, 0x21, 0);
        if (write && disk.readOnly) return Fault.check(7, 0x27, 0);
        long data = posted.data();
        for (int i = 0; i < blocks; i++) {
            long at = data + (long) i * disk.blockBytes;
            if (write) {
                byte[] bytes = new byte[disk.blockBytes];
                HostMemory.read(at, bytes, 0, bytes.length);
                disk.written.put(block + i, bytes);
            } else {
                HostMemory.write(at, disk.block(block + i), 0, disk.blockBytes);
            }
        }
        return null;
    }

    @Override
    public synchronized DmaBuffer allocate(int bytes, int alignment) {
        if (buffersLeft-- <= 0) throw new IllegalStateException("no DMA memory left");
        int from = memoryUsed + GUARD;
        from += -(int) (BUS + from) & alignment - 1;
        if (from + bytes + GUARD > memoryBytes) throw new IllegalStateException("no DMA memory left");
        memoryUsed = from + bytes + GUARD;
        int offset = from;
        HostMemory.fill(memory + offset, bytes, (byte) 0);
        buffers.add(new long[] {BUS + offset, bytes});
        return new DmaBuffer() {
            @Override public long address() { return memory + offset; }

            @Override public long busAddress() { return BUS + offset; }

            @Override public int bytes() { return bytes; }

            @Override public void close() {}
        };
    }

    /** What the kernel does when a driver is detached. */
    synchronized void takeMemoryBack() {
        for (long[] buffer : buffers) HostMemory.fill(memory + buffer[0] - BUS, buffer[1], GUARD_BYTE);
        buffers.clear();
        memoryUsed = 0;
    }

    @Override public void onInterrupt(InterruptHandler handler) { this.handler = handler; }

    @Override
    public synchronized void reset() {
        resets++;
        active = 0;
        mask = 0;
        fifo.clear();
        waiting.clear();
        lost.clear();
        writeConfig(4, 2, 0);
    }
}
