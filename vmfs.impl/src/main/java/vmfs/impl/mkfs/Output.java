package vmfs.impl.mkfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vmfs.impl.format.LvmHeader;
import vmkernel.api.files.Progress;
import vmkernel.api.storage.BlockDevice;

/** Writes a device in large requests: what follows what was written before is collected. */
final class Output {
    private static final int BUFFER = 4 << 20;

    private final BlockDevice device;
    private final Progress progress;
    private final long expected;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
    /** Byte of the device where the buffer goes. */
    private long start;
    private long written;

    /** @param expected bytes in all, for the progress */
    Output(BlockDevice device, Progress progress, long expected) {
        this.device = device;
        this.progress = progress;
        this.expected = expected;
    }

    /** Puts bytes at a place of the volume. @param bytes all of it, whole sectors */
    void volume(long address, ByteBuffer bytes) throws IOException { device(LvmHeader.DATA + address, bytes); }

    /** Puts bytes at a place of the device. */
    void device(long at, ByteBuffer bytes) throws IOException {
        if (at != start + buffer.position()) {
            drain();
            start = at;
        }
        for (int from = 0; from < bytes.limit(); ) {
            int part = Math.min(buffer.remaining(), bytes.limit() - from);
            buffer.put(buffer.position(), bytes, from, part).position(buffer.position() + part);
            from += part;
            if (!buffer.hasRemaining()) drain();
        }
    }

    private void drain() throws IOException {
        if (buffer.position() == 0) return;
        buffer.flip();
        int bytes = buffer.limit();
        device.write(start / device.blockBytes(), buffer);
        buffer.clear();
        start += bytes;
        written += bytes;
        progress.at(Math.min(written, expected), expected);
    }

    /** Everything is on stable storage. */
    void flush() throws IOException {
        drain();
        device.flush();
    }
}
