package vmkernel.api.storage;

import java.nio.ByteBuffer;
import java.util.Objects;
import vmkernel.api.memory.HostMemory;

/** A buffer of a Java program, between its position and its limit at the time of construction; they are not moved. */
public final class BufferTransfer implements Transfer {
    /** Keeps the memory of a direct buffer alive. */
    private final ByteBuffer buffer;
    private final long address;
    private final int first, bytes;

    /** @throws IllegalArgumentException for a read-only heap buffer, whose array cannot be had */
    public BufferTransfer(ByteBuffer buffer) {
        if (!buffer.isDirect() && !buffer.hasArray()) throw new IllegalArgumentException("a direct buffer or one with an array is needed");
        this.buffer = buffer;
        bytes = buffer.remaining();
        address = buffer.isDirect() ? HostMemory.addressOf(buffer) : 0;
        first = buffer.position() + (buffer.isDirect() ? 0 : buffer.arrayOffset());
    }

    @Override public int bytes() { return bytes; }

    @Override
    public void copyTo(int offset, long to, int length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        if (address != 0) HostMemory.copy(address + first + offset, to, length); else HostMemory.write(to, buffer.array(), first + offset, length);
    }

    @Override
    public void copyFrom(int offset, long from, int length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        if (address != 0) HostMemory.copy(from, address + first + offset, length); else HostMemory.read(from, buffer.array(), first + offset, length);
    }
}
