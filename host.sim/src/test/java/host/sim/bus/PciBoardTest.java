package host.sim.bus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.memory.HostMemory;

@Timeout(60)
class PciBoardTest {
    private final PciBoard board = new PciBoard("test", 8 << 20);
    private PciDevice device;
    private TestModel model;

    @BeforeEach
    void plug() throws HardwareException {
        device = plug("001:03.0");
        model = last;
    }

    private TestModel last;

    private PciDevice plug(String address) throws HardwareException { return board.plug(PciAddress.parse(address), slot -> last = new TestModel(slot)); }

    @AfterEach
    void close() { board.close(); }

    private void command(int bits) { device.writeConfig(PciDevice.COMMAND, 2, bits); }

    @Test
    void theConfigurationTellsWhatItIs() {
        assertEquals(0x56781234, device.readConfig(0, 4));
        assertEquals(0x02000008, device.readConfig(8, 4));
        assertEquals(0xDEF09ABC, device.readConfig(0x2C, 4));
        assertEquals(1, device.readConfig(0x3D, 1));
        assertEquals(0, device.readConfig(0x0E, 1));
        assertEquals(TestModel.ID, device.id());
        device.writeConfig(0, 4, 0);
        assertEquals(0x56781234, device.readConfig(0, 4));
    }

    @Test
    void windowsTellTheirSizeAsPciWants() {
        int memory = device.readConfig(0x10, 4);
        device.writeConfig(0x10, 4, -1);
        assertEquals(-4096, device.readConfig(0x10, 4));
        device.writeConfig(0x10, 4, memory);
        device.writeConfig(0x14, 4, -1);
        assertEquals(-64 | 1, device.readConfig(0x14, 4));
        device.writeConfig(0x18, 4, -1);
        assertEquals(0, device.readConfig(0x18, 4));
        assertEquals(4096, device.windowBytes(0));
        assertEquals(64, device.windowBytes(1));
        assertEquals(0, device.windowBytes(2));
        assertEquals(0, device.windowBytes(6));
    }

    @Test
    void windowsOfTheBoardDoNotOverlap() throws HardwareException {
        PciDevice other = plug("001:04.0");
        assertEquals(4096, other.readConfig(0x10, 4) - device.readConfig(0x10, 4));
        assertEquals(64, other.readConfig(0x14, 4) - device.readConfig(0x14, 4));
    }

    @Test
    void registersAreBehindTheirWindowWhileItIsDecoded() {
        device.write(0, 8, 4, -1L);
        assertEquals(0xFFFF_FFFFL, device.read(0, 8, 4));
        device.write(0, 8, 2, 0x12345);
        assertEquals(0x2345, device.read(0, 8, 4));
        assertEquals(1, device.read(1, 12, 4));
        command(PciDevice.COMMAND_IO);
        assertEquals(0xFFFF, device.read(0, 8, 2));
        assertEquals(1, device.read(1, 12, 4));
        device.write(0, 8, 4, 7);
        command(PciDevice.COMMAND_MEMORY);
        assertEquals(0x2345, device.read(0, 8, 4));
        assertEquals(0xFF, device.read(1, 12, 1));
    }

    @Test
    void accessesOutsideAWindowReadAsOnesAndDoNothing() {
        for (int bar : new int[] {-1, 2, 6}) assertEquals(0xFFFF_FFFFL, device.read(bar, 0, 4));
        for (int offset : new int[] {-1, 4096, 4094, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertEquals(0xFFFF_FFFFL, device.read(0, offset, 4));
            device.write(0, offset, 4, 1);
            assertEquals(-1, device.readConfig(offset, 4));
            device.writeConfig(offset, 4, 1);
        }
        assertEquals(0, model.pending.get());
    }

    @Test
    void memoryIsReachedByAMasterOnly() {
        DmaBuffer buffer = device.allocate(4096, 4096);
        HostMemory.putInt(buffer.address() + 8, 0x11223344);
        assertEquals(-1, model.slot.memory().get(buffer.busAddress() + 8, 4));
        assertNull(model.slot.memory().slice(buffer.busAddress(), 16));
        assertFalse(model.slot.memory().write(buffer.busAddress(), new byte[4], 0, 4));
        command(PciDevice.COMMAND_MASTER | PciDevice.COMMAND_MEMORY);
        assertEquals(0x11223344, model.slot.memory().get(buffer.busAddress() + 8, 4));
        assertEquals(0x3344, model.slot.memory().get(buffer.busAddress() + 8, 2));
        assertTrue(model.slot.memory().put(buffer.busAddress(), 2, 0xABCD));
        assertEquals(0xABCD, HostMemory.getInt(buffer.address()));
        byte[] bytes = new byte[4];
        assertTrue(model.slot.memory().read(buffer.busAddress() + 8, bytes, 0, 4));
        assertEquals(0x44, bytes[0]);
        model.slot.memory().slice(buffer.busAddress() + 100, 2).put(1, (byte) 5);
        assertEquals(5, HostMemory.getByte(buffer.address() + 101));
    }

    @Test
    void whatIsNoMemoryIsAMasterAbort() {
        command(PciDevice.COMMAND_MASTER);
        DmaBuffer buffer = device.allocate(1 << 20, 64);
        assertEquals(0, device.readConfig(6, 2) & 0x2000);
        for (long address : new long[] {0, buffer.busAddress() + (2 << 20) - 2, 0xFFFF_FFFEL, 0xF000_0000L, -4, Long.MAX_VALUE}) {
            assertEquals(-1, model.slot.memory().get(address, 4));
            assertFalse(model.slot.memory().put(address, 4, 1));
            assertFalse(model.slot.memory().read(address, new byte[4], 0, 4));
            assertNull(model.slot.memory().slice(address, 4));
        }
        assertEquals(0x2000, device.readConfig(6, 2) & 0x2000);
        device.writeConfig(6, 2, 0x2000);
        assertEquals(0, device.readConfig(6, 2) & 0x2000);
    }

    @Test
    void memoryIsZeroWhenGivenAndCanBeGivenAgain() {
        for (int round = 0; round < 3; round++) {
            List<DmaBuffer> buffers = new ArrayList<>();
            for (int i = 0; i < 8; i++) buffers.add(device.allocate(1 << 20, 64));
            String message = assertThrows(IllegalStateException.class, () -> device.allocate(64, 64)).getMessage();
            assertEquals("no 1 KB of memory for DMA left of 8 MB: raise \"memory\" in the hardware file", message);
            for (DmaBuffer buffer : buffers) {
                assertEquals(0, HostMemory.getLong(buffer.address() + 1000));
                HostMemory.fill(buffer.address(), buffer.bytes(), (byte) -1);
                buffer.close();
                buffer.close();
            }
        }
    }

    @Test
    void memoryIsAlignedAndPiecesAreApart() {
        Random random = new Random(1);
        List<DmaBuffer> held = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            if (held.size() > 20) held.remove(random.nextInt(held.size())).close();
            int alignment = 1 << random.nextInt(17), bytes = 1 + random.nextInt(100_000);
            DmaBuffer buffer = device.allocate(bytes, alignment);
            assertEquals(0, buffer.busAddress() & alignment - 1);
            assertEquals(buffer.address() & 4095, buffer.busAddress() & 4095);
            assertTrue(buffer.bytes() >= bytes);
            assertTrue(buffer.busAddress() > 0 && buffer.busAddress() + buffer.bytes() < 1L << 32);
            for (DmaBuffer other : held) {
                assertTrue(other.busAddress() + other.bytes() <= buffer.busAddress() || buffer.busAddress() + buffer.bytes() <= other.busAddress());
            }
            assertEquals(0, HostMemory.getByte(buffer.address() + buffer.bytes() - 1));
            HostMemory.fill(buffer.address(), buffer.bytes(), (byte) 0x55);
            held.add(buffer);
        }
    }

    @Test
    void aLargePieceIsInOneRun() {
        command(PciDevice.COMMAND_MASTER);
        device.allocate(100, 64);
        DmaBuffer large = device.allocate(5 << 20, 4096);
        assertEquals(5 << 20, model.slot.memory().slice(large.busAddress(), 5 << 20).capacity());
    }

    @Test
    void anInterruptOfAThreadOfTheModelIsServedOnThatThread() {
        AtomicReference<Thread> served = new AtomicReference<>();
        device.onInterrupt(() -> {
            served.set(Thread.currentThread());
            device.write(0, 0, 4, device.read(0, 0, 4));
            return true;
        });
        model.raise(3);
        assertSame(Thread.currentThread(), served.get());
        assertEquals(0, model.pending.get());
    }

    @Test
    void anInterruptOfARegisterAccessIsServedByAnotherThread() throws Exception {
        CompletableFuture<Thread> served = new CompletableFuture<>();
        Object driverLock = new Object();
        device.onInterrupt(() -> {
            synchronized (driverLock) {
                device.write(0, 0, 4, 1);
            }
            return served.complete(Thread.currentThread());
        });
        synchronized (driverLock) {
            device.write(0, 4, 4, 1);
            assertFalse(served.isDone());
        }
        assertNotSame(Thread.currentThread(), served.get());
    }

    @Test
    void aHandlerIsCalledAgainWhileTheLineIsUpAndNeverWithinItself() {
        AtomicInteger inside = new AtomicInteger(), calls = new AtomicInteger();
        device.onInterrupt(() -> {
            assertEquals(1, inside.incrementAndGet());
            if (calls.incrementAndGet() == 2) device.write(0, 4, 4, 2);
            device.write(0, 0, 4, 1);
            inside.decrementAndGet();
            return true;
        });
        model.raise(3);
        assertEquals(5, calls.get());
        assertEquals(0, model.pending.get());
    }

    @Test
    void aLineMayBeSharedByHandlersThatTellWhoseItWas() throws HardwareException {
        PciDevice other = plug("002:02.0");
        TestModel otherModel = last;
        assertEquals(device.readConfig(0x3C, 1), other.readConfig(0x3C, 1));
        AtomicInteger first = new AtomicInteger(), second = new AtomicInteger();
        device.onInterrupt(() -> {
            boolean mine = device.read(0, 0, 4) > 0;
            if (mine) device.write(0, 0, 4, 1);
            first.addAndGet(mine ? 1 : 100);
            return mine;
        });
        other.onInterrupt(() -> {
            boolean mine = other.read(0, 0, 4) > 0;
            if (mine) other.write(0, 0, 4, 1);
            second.addAndGet(mine ? 1 : 100);
            return mine;
        });
        model.raise(1);
        otherModel.raise(2);
        assertEquals(201, first.get());
        assertEquals(102, second.get());
    }

    @Test
    void aPinThatWasRaisedBeforeTheHandlerCameIsServed() throws Exception {
        model.raise(1);
        CompletableFuture<Thread> served = new CompletableFuture<>();
        device.onInterrupt(() -> {
            device.write(0, 0, 4, 1);
            return served.complete(Thread.currentThread());
        });
        assertNotSame(Thread.currentThread(), served.get());
    }

    @Test
    void aDriverThatNeverLowersTheLineHoldsNoThread() throws Exception {
        CountDownLatch many = new CountDownLatch(100);
        device.onInterrupt(() -> {
            many.countDown();
            return false;
        });
        model.raise(1);
        assertTrue(many.getCount() > 50, "it came back after few calls");
        assertTrue(many.await(30, TimeUnit.SECONDS), "and is asked again later");
        CountDownLatch claimed = new CountDownLatch(10_000);
        device.onInterrupt(() -> {
            claimed.countDown();
            return true;
        });
        assertTrue(claimed.await(30, TimeUnit.SECONDS));
        device.onInterrupt(null);
    }

    @Test
    void aHandlerThatThrowsHarmsNoOne() {
        AtomicInteger calls = new AtomicInteger();
        device.onInterrupt(() -> {
            if (calls.incrementAndGet() < 3) throw new IllegalStateException("a mistake in a driver");
            device.write(0, 0, 4, 1);
            return true;
        });
        model.raise(1);
        assertEquals(3, calls.get());
    }

    @Test
    void interruptsCanBeDisabledInTheCommandRegister() throws Exception {
        CompletableFuture<Boolean> served = new CompletableFuture<>();
        device.onInterrupt(() -> {
            device.write(0, 0, 4, 1);
            return served.complete(true);
        });
        command(PciDevice.COMMAND_MEMORY | PciDevice.COMMAND_INTERRUPT_DISABLE);
        model.raise(1);
        assertFalse(served.isDone());
        assertEquals(0x08, device.readConfig(6, 2) & 0x08);
        assertEquals(0x08 << 16, device.readConfig(4, 4) & 0x08 << 16);
        command(PciDevice.COMMAND_MEMORY);
        assertTrue(served.get());
    }

    @Test
    void aHandlerThatWasTakenAwayRunsNoMore() throws Exception {
        CountDownLatch inside = new CountDownLatch(1), leave = new CountDownLatch(1);
        AtomicInteger finished = new AtomicInteger();
        device.onInterrupt(() -> {
            inside.countDown();
            try {
                leave.await();
            } catch (InterruptedException e) {
                return false;
            }
            finished.incrementAndGet();
            device.write(0, 0, 4, 1);
            return true;
        });
        Thread worker = new Thread(() -> model.raise(2));
        worker.start();
        inside.await();
        CompletableFuture<Integer> after = CompletableFuture.supplyAsync(() -> {
            device.onInterrupt(null);
            return finished.get();
        });
        leave.countDown();
        int ran = after.get();
        worker.join();
        assertTrue(ran >= 1);
        assertEquals(ran, finished.get());
    }

    @Test
    void noRiseIsLostBetweenThreads() throws Exception {
        int threads = 4, each = 20_000;
        AtomicInteger served = new AtomicInteger(), inside = new AtomicInteger(), together = new AtomicInteger();
        device.onInterrupt(() -> {
            if (inside.incrementAndGet() != 1) together.incrementAndGet();
            int events = (int) device.read(0, 0, 4);
            device.write(0, 0, 4, events);
            served.addAndGet(events);
            inside.decrementAndGet();
            return events > 0;
        });
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            boolean byRegister = i % 2 == 0;
            Thread worker = new Thread(() -> {
                for (int n = 0; n < each; n++) {
                    if (byRegister) device.write(0, 4, 4, 1);
                    else model.raise(1);
                }
            });
            workers.add(worker);
            worker.start();
        }
        for (Thread worker : workers) worker.join();
        while (served.get() < threads * each) Thread.onSpinWait();
        assertEquals(threads * each, served.get());
        assertEquals(0, together.get());
    }

    @Test
    void resetKeepsAddressesAndStopsMastering() {
        int bar = device.readConfig(0x10, 4);
        command(PciDevice.COMMAND_MASTER);
        model.raise(1);
        device.reset();
        assertEquals(bar, device.readConfig(0x10, 4));
        assertEquals(PciDevice.COMMAND_IO | PciDevice.COMMAND_MEMORY, device.readConfig(PciDevice.COMMAND, 2));
        assertEquals(0, device.read(0, 0, 4));
    }

    @Test
    void withoutPowerItReadsAsOnesAndMemoryOutlivesIt() {
        DmaBuffer buffer = device.allocate(100, 64);
        board.close();
        assertTrue(model.closed);
        assertEquals(-1, device.readConfig(0, 4));
        assertEquals(0xFFFF, device.read(0, 0, 2));
        device.write(0, 4, 4, 1);
        device.reset();
        HostMemory.putInt(buffer.address(), 1);
        buffer.close();
    }
}
