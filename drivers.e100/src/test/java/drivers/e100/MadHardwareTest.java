package drivers.e100;

import static drivers.e100.Frames.frame;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/** A device out of its mind: nothing that it says or writes makes the driver throw, hang or leave its buffers. */
class MadHardwareTest {
    private static final int MEMORY_BYTES = 1 << 20, ROUNDS = 60, STEPS = 60;
    private static final MacAddress OTHER = MacAddress.parse("02:00:00:00:00:99");

    /** Registers and memory hold anything. It executes its first commands, for else nobody would go on with it. */
    private static final class Madness implements PciDevice {
        private final Random random;
        private final long raw = HostMemory.allocate(MEMORY_BYTES);
        private final GuardedMemory memory = new GuardedMemory(raw, 0, MEMORY_BYTES);
        private boolean polite = true;
        private InterruptHandler handler;

        Madness(Random random) { this.random = random; }

        void scribble() {
            List<DmaBuffer> buffers = memory.buffers();
            DmaBuffer buffer = buffers.get(random.nextInt(buffers.size()));
            int at = switch (random.nextInt(3)) {
                case 0 -> random.nextInt(buffer.bytes() / 4) * 4;
                case 1 -> random.nextInt((buffer.bytes() + 1535) / 1536) * 1536; // status and command
                default -> Math.min(random.nextInt((buffer.bytes() + 1535) / 1536) * 1536 + 4 * random.nextInt(5), buffer.bytes() - 4);
            };
            HostMemory.putInt(buffer.address() + at, random.nextBoolean() ? random.nextInt() : random.nextInt() | 0xA000);
        }

        private void obey() {
            for (DmaBuffer buffer : memory.buffers()) {
                if (buffer.bytes() < 1536) HostMemory.putInt(buffer.address() + 64, 0xA007);
                for (int at = 0; buffer.bytes() >= 1536 && at < buffer.bytes(); at += 1536) HostMemory.putShort(buffer.address() + at, (short) 0xA000);
            }
        }

        @Override
        public long read(int bar, int offset, int bytes) {
            long any = random.nextLong() & (1L << 8 * bytes) - 1;
            if (offset == 2) return polite || random.nextInt(8) != 0 ? 0 : any;
            if (polite && offset == 0) return any & 0x7F7F & (1L << 8 * bytes) - 1; // there is a card
            if (offset == 0x10 && random.nextInt(200) != 0) return any | 0x1000_0000;
            if (random.nextInt(4) == 0 && !polite) scribble();
            return any;
        }

        @Override
        public void write(int bar, int offset, int bytes, long value) {
            if (offset == 2 && (polite || random.nextInt(4) != 0)) obey();
        }

        @Override public int windowBytes(int bar) { return 4096; }
        @Override public PciAddress address() { return new PciAddress(0, 0, 0); }
        @Override public PciId id() { return new PciId(0x8086, 0x1229, 0, 0, 0x020000, random.nextInt(256)); }
        @Override public int readConfig(int offset, int bytes) { return random.nextInt(); }
        @Override public void writeConfig(int offset, int bytes, int value) {}
        @Override public DmaBuffer allocate(int bytes, int alignment) { return memory.allocate(bytes, alignment); }
        @Override public void onInterrupt(InterruptHandler answer) { handler = answer; }
        @Override public void reset() {}
    }

    /** Does later what is to be done later, when the test says so. */
    private static final class Kernel implements Upcalls {
        private final Queue<Runnable> later = new ArrayDeque<>();

        @Override public Map<String, String> parameters() { return Map.of("TxDescriptors", "16", "RxDescriptors", "16"); }
        @Override public void execute(Runnable task) { later.add(task); }

        @Override
        public Runnable after(long millis, Runnable task) {
            later.add(task);
            return () -> later.remove(task);
        }

        @Override public void failed(String why) { assertTrue(!why.isEmpty() && !why.contains("\n"), why); }

        @Override
        public void received(List<byte[]> frames) {
            for (byte[] frame : frames) assertTrue(frame.length >= 14 && frame.length <= 1518);
        }

        @Override public void transmitReady() {}
        @Override public void linkChanged(LinkState link) {}
        @Override public void unitsChanged() {}
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingThatADeviceDoesHurts(long seed) {
        Random random = new Random(seed);
        Madness device = new Madness(random);
        int[] attached = {0};
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            for (int round = 0; round < ROUNDS; round++) if (live(device, random)) attached[0]++;
        });
        HostMemory.free(device.raw);
        assertTrue(attached[0] > ROUNDS / 3, () -> "attached only " + attached[0] + " times");
    }

    /** One life of a driver. @return false if it was not attached */
    private static boolean live(Madness device, Random random) {
        Kernel kernel = new Kernel();
        device.polite = true;
        NetAdapter adapter;
        try {
            adapter = (NetAdapter) new E100().attach(device, kernel, state(random));
        } catch (DriverException e) {
            assertTrue(!e.getMessage().contains("\n"), e.getMessage());
            device.memory.takeBack();
            return false;
        }
        device.polite = false;
        for (int step = random.nextInt(STEPS); step > 0; step--) use(device, kernel, adapter, random);
        adapter.close();
        use(device, kernel, adapter, random);
        device.memory.takeBack();
        return true;
    }

    /** Mostly with an address, which saves reading it from an EEPROM. */
    private static Optional<SavedState> state(Random random) {
        if (random.nextInt(20) == 0) return Optional.empty();
        StateRecord state = StateRecord.saving();
        state.exchange("address", random.nextLong() >>> (random.nextInt(10) == 0 ? 0 : 17));
        state.exchange("filter.groups", new long[] {random.nextLong() >>> 16});
        return Optional.of(state.saved("drivers.e100", 1 + random.nextInt(20) / 19));
    }

    private static void use(Madness device, Kernel kernel, NetAdapter adapter, Random random) {
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                List<byte[]> frames = Frames.frames(OTHER, random.nextInt(20), 60 + random.nextInt(1500));
                int taken = adapter.transmit(frames);
                assertTrue(taken >= 0 && taken <= frames.size());
            }
            case 2, 3 -> {
                for (int i = random.nextInt(20); i > 0; i--) device.scribble();
                if (device.handler != null) device.handler.interrupt();
            }
            case 4 -> adapter.filter(new ReceiveFilter(random.nextBoolean(), random.nextBoolean(), java.util.Set.of(MacAddress.at(frame(OTHER, 60, random.nextInt(9)), 6))));
            case 5 -> adapter.statistics();
            case 6 -> {
                Runnable task = kernel.later.poll();
                if (task != null) task.run();
            }
            default -> {
                if (random.nextInt(10) != 0) return;
                try {
                    adapter.quiesce(Duration.ofMillis(random.nextInt(5)));
                    adapter.save();
                } catch (TimeoutException e) {
                    assertTrue(!e.getMessage().contains("\n"), e.getMessage());
                }
            }
        }
    }
}
