package host.sim.array;

import host.sim.bus.HardwareException;
import host.sim.bus.PciBoard;
import host.sim.bus.Settings;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.memory.HostMemory;

/** A board with one array, and the least that a driver does: handshake, command blocks, reply FIFO. */
final class TestHost implements AutoCloseable {
    static final int NONE = 0, WRITE = 1, READ = 2;
    static final long CONTROLLER = 0, UNIT0 = 0x4000_0000L;
    private static final int BLOCK_BYTES = 1024, ERROR_AT = 640, SG_AT = 0x34;

    final PciBoard pci = new PciBoard("test", 64 << 20);
    final List<String> complaints = new ArrayList<>();
    final PciDevice device;
    SmartArray array;
    final Map<Integer, Command> open = new ConcurrentHashMap<>();
    /** Replies to commands that nobody had posted. */
    final List<Integer> strays = new ArrayList<>();
    private final Board board;
    private final int tableBar;

    TestHost(Board board, Path home, String... settings) throws HardwareException {
        this.board = board;
        device = pci.plug(new PciAddress(1, 3, 0), slot -> array = SmartArray.of(board, Settings.of(settings), slot, home, Optional::empty, complaints::add));
        tableBar = board.tableBar == 0x10 ? 0 : 1;
        start();
    }

    /** An array with one volume on a new file. */
    static TestHost of(Path home) throws HardwareException { return new TestHost(Board.SMARTARRAY5I, home, "unit0.file", "unit0.img", "unit0.size", "16M"); }

    int register(int offset) { return (int) device.read(0, offset, 4); }

    void register(int offset, int value) { device.write(0, offset, 4, value & 0xFFFF_FFFFL); }

    int table(int offset) { return (int) device.read(tableBar, register(0xB8) + offset, 4); }

    void table(int offset, int value) { device.write(tableBar, register(0xB8) + offset, 4, value & 0xFFFF_FFFFL); }

    /** As a driver does after a reset. */
    void start() {
        device.writeConfig(PciDevice.COMMAND, 2, PciDevice.COMMAND_MEMORY | PciDevice.COMMAND_MASTER);
        device.onInterrupt(this::interrupt);
        register(0x34, ~0);
        table(0x10, 2);
        register(0x20, 1);
        register(0x34, ~board.interruptBit);
    }

    boolean interrupt() {
        boolean any = false;
        for (int word = register(0x44); word != -1; word = register(0x44)) {
            any = true;
            Command command = open.remove(word & ~3);
            if (command != null) command.complete(word);
            else strays.add(word);
        }
        return any;
    }

    /** A command with data of its own, in one piece. */
    Command command(long lun, int direction, int bytes, int... cdb) { return new Command(lun, direction, bytes, cdb); }

    Command read10(long block, int blocks) { return command(UNIT0, READ, 512 * blocks, rw(0x28, block, blocks)); }

    Command write10(long block, byte[] data) {
        Command command = command(UNIT0, WRITE, data.length, rw(0x2A, block, data.length / 512));
        command.put(data);
        return command;
    }

    static int[] rw(int opcode, long block, int blocks) {
        return new int[] {opcode, 0, (int) (block >> 24), (int) (block >> 16), (int) (block >> 8), (int) block, 0, blocks >> 8, blocks, 0};
    }

    byte[] read(long block, int blocks) throws Exception {
        try (Command command = read10(block, blocks)) {
            command.run().good();
            return command.data();
        }
    }

    void write(long block, byte[] data) throws Exception {
        try (Command command = write10(block, data)) {
            command.run().good();
        }
    }

    @Override
    public void close() { pci.close(); }

    /** A command block with its error information, and memory for its data. */
    final class Command implements AutoCloseable {
        final DmaBuffer block = device.allocate(BLOCK_BYTES, 64);
        final DmaBuffer memory;
        final int bytes;
        private final CompletableFuture<Integer> reply = new CompletableFuture<>();

        Command(long lun, int direction, int bytes, int... cdb) {
            this.bytes = bytes;
            memory = bytes == 0 ? null : device.allocate(bytes, 512);
            long at = block.address();
            HostMemory.putInt(at + 4, (int) block.busAddress());
            HostMemory.putLong(at + 0x0C, lun);
            HostMemory.putByte(at + 0x14, (byte) cdb.length);
            HostMemory.putByte(at + 0x15, (byte) (direction << 6 | 4 << 3));
            for (int i = 0; i < cdb.length; i++) HostMemory.putByte(at + 0x18 + i, (byte) cdb[i]);
            HostMemory.putLong(at + 0x28, block.busAddress() + ERROR_AT);
            HostMemory.putInt(at + 0x30, 48);
            if (memory != null) segments(memory.busAddress(), bytes);
        }

        Command type(int type) {
            HostMemory.putByte(block.address() + 0x15, (byte) type);
            return this;
        }

        /** Addresses and lengths in turn, as the embedded list. */
        Command segments(long... addressesAndLengths) {
            int count = addressesAndLengths.length / 2;
            HostMemory.putByte(block.address() + 1, (byte) count);
            HostMemory.putShort(block.address() + 2, (short) count);
            for (int i = 0; i < count; i++) segment(block.address() + SG_AT + 16L * i, addressesAndLengths[2 * i], (int) addressesAndLengths[2 * i + 1], 0);
            return this;
        }

        /** Makes the last embedded entry one that points to more. */
        void chain(int index, long address, int entries) { segment(block.address() + SG_AT + 16L * index, address, 16 * entries, 0x8000_0000); }

        static void segment(long at, long address, int length, int extension) {
            HostMemory.putLong(at, address);
            HostMemory.putInt(at + 8, length);
            HostMemory.putInt(at + 12, extension);
        }

        void put(byte[] data) { HostMemory.write(memory.address(), data, 0, data.length); }

        byte[] data() {
            byte[] data = new byte[bytes];
            HostMemory.read(memory.address(), data, 0, bytes);
            return data;
        }

        ByteBuffer bigEndian() { return ByteBuffer.wrap(data()); }

        Command post() {
            open.put((int) block.busAddress(), this);
            register(0x40, (int) block.busAddress());
            return this;
        }

        void complete(int word) { reply.complete(word); }

        boolean done() { return reply.isDone(); }

        Command await() throws InterruptedException, ExecutionException, TimeoutException {
            reply.get(30, TimeUnit.SECONDS);
            return this;
        }

        Command run() throws InterruptedException, ExecutionException, TimeoutException { return post().await(); }

        /** Bit 1 of the reply: there is error information. */
        boolean error() { return (reply.join() & 2) != 0; }

        int status() { return error() ? HostMemory.getShort(block.address() + ERROR_AT + 2) : 0; }

        int scsiStatus() { return HostMemory.getByte(block.address() + ERROR_AT) & 0xFF; }

        int residual() { return HostMemory.getInt(block.address() + ERROR_AT + 4); }

        /** Key, code and qualifier as six hexadecimal digits. */
        String sense() {
            if (status() != 1 || scsiStatus() != 2) return "none, but status " + status() + "/" + scsiStatus();
            long sense = block.address() + ERROR_AT + 16;
            return String.format("%02X%02X%02X", HostMemory.getByte(sense + 2), HostMemory.getByte(sense + 12), HostMemory.getByte(sense + 13));
        }

        void good() {
            if (error()) throw new AssertionError("status " + status() + ", sense " + sense());
        }

        @Override
        public void close() {
            block.close();
            if (memory != null) memory.close();
        }
    }
}
