package vmkernel.api.memory;

import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import sun.misc.Unsafe;

/**
 * Raw memory of the host process, by address. The only class of this system that touches memory outside the Java heap:
 * where {@code sun.misc.Unsafe} is gone, this one is rewritten on {@code MemorySegment}.
 *
 * <p>Every access is unchecked. Callers own the address: it comes from {@link #allocate} or from
 * {@link GuestMemory#readableAddress}. Multi-byte values are little-endian and may be unaligned. Any thread.
 */
public final class HostMemory {
    private static final Unsafe UNSAFE = unsafe();

    private static final long BUFFER_ADDRESS = bufferAddress();

    private HostMemory() {}

    private static long bufferAddress() {
        try {
            return UNSAFE.objectFieldOffset(Buffer.class.getDeclaredField("address"));
        } catch (NoSuchFieldException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static Unsafe unsafe() {
        try {
            Field field = Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return (Unsafe) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Allocates {@code bytes} bytes, not cleared; host pages are touched only when written. Throws OutOfMemoryError. */
    public static long allocate(long bytes) { return UNSAFE.allocateMemory(bytes); }

    /** Frees what {@link #allocate} returned; nothing may use the address afterwards. */
    public static void free(long address) { UNSAFE.freeMemory(address); }

    /** Where a direct buffer's first byte (index 0) is. The caller keeps the buffer reachable while it uses the address. */
    public static long addressOf(ByteBuffer buffer) {
        if (!buffer.isDirect()) throw new IllegalArgumentException("a direct buffer is needed");
        return UNSAFE.getLong(buffer, BUFFER_ADDRESS);
    }

    public static byte getByte(long address) { return UNSAFE.getByte(address); }
    public static short getShort(long address) { return UNSAFE.getShort(address); }
    public static int getInt(long address) { return UNSAFE.getInt(address); }
    public static long getLong(long address) { return UNSAFE.getLong(address); }

    public static void putByte(long address, byte value) { UNSAFE.putByte(address, value); }
    public static void putShort(long address, short value) { UNSAFE.putShort(address, value); }
    public static void putInt(long address, int value) { UNSAFE.putInt(address, value); }
    public static void putLong(long address, long value) { UNSAFE.putLong(address, value); }

    /** Sees what was written before the value was put with {@link #putIntRelease}, here or by a device; never cached in a loop. */
    public static int getIntAcquire(long address) { return UNSAFE.getIntVolatile(null, address); }
    /** Everything put before is seen before this. */
    public static void putIntRelease(long address, int value) { UNSAFE.putOrderedInt(null, address, value); }

    /** Atomic where {@code address} is a multiple of 4. */
    public static boolean compareAndSetInt(long address, int expected, int value) {
        return UNSAFE.compareAndSwapInt(null, address, expected, value);
    }

    /** Atomic where {@code address} is a multiple of 8. */
    public static boolean compareAndSetLong(long address, long expected, long value) {
        return UNSAFE.compareAndSwapLong(null, address, expected, value);
    }

    /** Copies {@code bytes} bytes; the ranges may overlap. */
    public static void copy(long from, long to, long bytes) { UNSAFE.copyMemory(from, to, bytes); }

    public static void fill(long address, long bytes, byte value) { UNSAFE.setMemory(address, bytes, value); }

    /** Copies into a Java array. The caller has checked the array's bounds; a wrong range throws. */
    public static void read(long address, byte[] to, int offset, int length) {
        java.util.Objects.checkFromIndexSize(offset, length, to.length);
        UNSAFE.copyMemory(null, address, to, Unsafe.ARRAY_BYTE_BASE_OFFSET + (long) offset, length);
    }

    /** Copies out of a Java array. */
    public static void write(long address, byte[] from, int offset, int length) {
        java.util.Objects.checkFromIndexSize(offset, length, from.length);
        UNSAFE.copyMemory(from, Unsafe.ARRAY_BYTE_BASE_OFFSET + (long) offset, null, address, length);
    }
}
