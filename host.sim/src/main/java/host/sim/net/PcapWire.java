package host.sim.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.net.FrameSink;

/**
 * Writes what passes in both directions into a file that tcpdump and Wireshark read [PCAP] 4, 5, and passes it on. Every list of
 * frames is in the file before it goes on. When the file cannot be written any more, that is told once and the frames still pass.
 */
final class PcapWire implements Wire {
    private static final Logger LOG = LoggerFactory.getLogger(PcapWire.class);
    private static final int MAGIC = 0xA1B2C3D4, LINKTYPE_ETHERNET = 1, SNAP_BYTES = 65_535, RECORD_HEADER = 16;

    private final Path file;
    private final FileChannel channel;
    private final Wire beyond;
    private ByteBuffer buffer = ByteBuffer.allocate(64 << 10).order(ByteOrder.LITTLE_ENDIAN);
    private boolean broken;

    /** @param beyond the wire proper, closed with this one */
    PcapWire(Path file, Wire beyond) throws IOException {
        this.file = file;
        this.beyond = beyond;
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        buffer.putInt(MAGIC).putShort((short) 2).putShort((short) 4).putLong(0).putInt(SNAP_BYTES).putInt(LINKTYPE_ETHERNET);
        flush();
    }

    @Override
    public void sink(FrameSink sink) {
        beyond.sink(frames -> {
            record(frames);
            sink.frames(frames);
        });
    }

    @Override
    public void send(List<byte[]> frames) {
        record(frames);
        beyond.send(frames);
    }

    @Override public boolean up() { return beyond.up(); }

    private synchronized void record(List<byte[]> frames) {
        if (broken || !channel.isOpen()) return;
        Instant now = Instant.now();
        try {
            for (byte[] frame : frames) record(frame, now);
            flush();
        } catch (IOException e) {
            broken = true;
            LOG.warn("{}: no more frames are recorded: {}", file, e.getMessage());
        }
    }

    private void record(byte[] frame, Instant now) throws IOException {
        int length = Math.min(frame.length, SNAP_BYTES);
        if (buffer.remaining() < RECORD_HEADER + length) flush();
        if (buffer.capacity() < RECORD_HEADER + length) buffer = ByteBuffer.allocate(RECORD_HEADER + length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt((int) now.getEpochSecond()).putInt(now.getNano() / 1000).putInt(length).putInt(frame.length).put(frame, 0, length);
    }

    private void flush() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) channel.write(buffer);
        buffer.clear();
    }

    @Override
    public void close() {
        beyond.close();
        synchronized (this) {
            try {
                channel.close();
            } catch (IOException e) {
                LOG.warn("{}: {}", file, e.getMessage());
            }
        }
    }
}
