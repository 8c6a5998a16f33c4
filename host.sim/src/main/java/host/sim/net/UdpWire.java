package host.sim.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.net.FrameSink;

/**
 * Frames in UDP datagrams, one in each, without frame check sequence: the format of QEMU's {@code -netdev dgram}. A thread of its
 * own receives; all that has arrived by then goes up in one list. Frames that are too short for a wire are padded.
 */
final class UdpWire implements Wire {
    private static final Logger LOG = LoggerFactory.getLogger(UdpWire.class);
    private static final int BATCH = 64, BUFFER_BYTES = 4 << 20;

    private final String name;
    private final DatagramChannel channel;
    private final Selector selector;
    private final ByteBuffer sending = ByteBuffer.allocateDirect(Ethernet.LONGEST), receiving = ByteBuffer.allocateDirect(Ethernet.LONGEST + 1);
    private volatile FrameSink sink = frames -> { };

    /** @throws IOException if the local address cannot be had */
    UdpWire(InetSocketAddress local, InetSocketAddress remote) throws IOException {
        name = "udp:" + local + "," + remote;
        channel = DatagramChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER_BYTES).setOption(StandardSocketOptions.SO_SNDBUF, BUFFER_BYTES);
            channel.bind(local).connect(remote).configureBlocking(false);
            selector = Selector.open();
            channel.register(selector, SelectionKey.OP_READ);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        Thread thread = new Thread(this::receive, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override public void sink(FrameSink sink) { this.sink = sink; }

    @Override public boolean up() { return channel.isOpen(); }

    @Override
    public void send(List<byte[]> frames) {
        synchronized (sending) {
            for (byte[] frame : frames) send(frame);
        }
    }

    private void send(byte[] frame) {
        if (frame.length > sending.capacity()) return;
        try {
            channel.write(sending.clear().put(frame).flip());
        } catch (IOException e) {
            // nobody listens there now, or we are closed: the frame is lost
        }
    }

    private void receive() {
        List<byte[]> frames = new ArrayList<>();
        try {
            while (channel.isOpen()) {
                if (frames.isEmpty()) selector.select();
                selector.selectedKeys().clear();
                frames = arrived();
                if (!frames.isEmpty()) sink.frames(frames);
            }
        } catch (ClosedChannelException | ClosedSelectorException e) {
            // this is how close() ends the thread
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: no more frames are received: {}", name, e.toString());
        }
    }

    /** What is in the socket now, up to a batch. */
    private List<byte[]> arrived() throws IOException {
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            receiving.clear();
            try {
                if (channel.read(receiving) <= 0) break;
            } catch (PortUnreachableException e) {
                continue; // the answer to a frame of ours that nobody wanted
            }
            receiving.flip();
            if (!Ethernet.fits(receiving.limit())) continue;
            byte[] frame = new byte[Math.max(receiving.limit(), Ethernet.SHORTEST)];
            receiving.get(frame, 0, receiving.limit());
            frames.add(frame);
        }
        return frames;
    }

    @Override
    public void close() {
        try {
            channel.close();
            selector.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
