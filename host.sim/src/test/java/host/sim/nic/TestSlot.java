package host.sim.nic;

import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.bus.BusMemory;
import host.sim.bus.Slot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A slot with memory between two guards, that counts the edges of the interrupt line. */
final class TestSlot implements Slot, BusMemory {
    static final int BYTES = 1 << 20;

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    final ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES);
    private boolean level;
    private int edges;
    volatile boolean mastering = true;
    /** Called whenever the line rises, on the thread that raises it. */
    volatile Runnable handler = () -> { };

    @Override public BusMemory memory() { return this; }

    @Override
    public void interrupt(boolean level) {
        boolean rises;
        synchronized (this) {
            rises = level && !this.level;
            if (rises) edges++;
            this.level = level;
            notifyAll();
        }
        if (rises) handler.run();
    }

    synchronized boolean raised() { return level; }

    synchronized int edges() { return edges; }

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
