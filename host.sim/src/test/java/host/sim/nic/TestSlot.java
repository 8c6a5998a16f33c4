package host.sim.nic;

import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.bus.BusMemory;
import host.sim.bus.Model;
import host.sim.bus.Slot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** A slot with memory of its own and a simple interrupt controller. */
final class TestSlot implements Slot, BusMemory {
    static final int BYTES = 1 << 20;

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    final ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES);
    private final AtomicInteger told = new AtomicInteger();
    volatile boolean mastering = true;
    Model model;
    /** The interrupt handler if there is one, called while the pin is up on a thread that has told of it. */
    volatile Runnable handler;

    @Override public BusMemory memory() { return this; }

    /** The handler runs once more when the pin changes while it runs, and never on two threads. */
    @Override
    public void interruptChanged() {
        if (handler == null || told.getAndIncrement() != 0) return;
        int seen;
        do {
            seen = told.get();
            for (int i = 0; raised() && i < 1000; i++) handler.run();
        } while (told.addAndGet(-seen) != 0);
    }

    boolean raised() { return model.interrupt(); }

    /** Waits for something that another thread brings about. */
    static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, what);
            Thread.onSpinWait();
        }
    }

    private boolean inside(long address, int length) { return mastering && address >= 0 && length >= 0 && address + length <= BYTES; }

    @Override
    public boolean read(long address, byte[] to, int offset, int length) {
        if (!inside(address, length)) return false;
        bytes.get((int) address, to, offset, length);
        return true;
    }

    @Override
    public boolean write(long address, byte[] from, int offset, int length) {
        if (!inside(address, length)) return false;
        bytes.put((int) address, from, offset, length);
        return true;
    }

    @Override
    public int get(long address, int size) {
        if (!inside(address, size)) return size == 4 ? -1 : 0xFFFF;
        if ((address & size - 1) != 0) return unaligned((int) address, size);
        return size == 4 ? (int) INT.getAcquire(bytes, (int) address) : (short) SHORT.getAcquire(bytes, (int) address) & 0xFFFF;
    }

    private int unaligned(int address, int size) {
        int value = 0;
        for (int i = 0; i < size; i++) value |= (bytes.get(address + i) & 0xFF) << 8 * i;
        return value;
    }

    @Override
    public boolean put(long address, int size, int value) {
        if (!inside(address, size)) return false;
        if ((address & size - 1) != 0) {
            for (int i = 0; i < size; i++) bytes.put((int) address + i, (byte) (value >> 8 * i));
        } else if (size == 4) INT.setRelease(bytes, (int) address, value);
        else SHORT.setRelease(bytes, (int) address, (short) value);
        return true;
    }

    @Override
    public ByteBuffer slice(long address, int length) { return inside(address, length) ? bytes.slice((int) address, length) : null; }
}
