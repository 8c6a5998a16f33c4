package drivers.e100;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The other end of a card's cable: every frame arrives, in order, behind its length in four bytes. */
final class Wire implements AutoCloseable {
    private final SocketChannel channel;
    private final BlockingQueue<byte[]> frames = new LinkedBlockingQueue<>();

    Wire(SocketChannel channel) {
        this.channel = channel;
        Thread reader = new Thread(this::read, "wire");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (DataInputStream in = new DataInputStream(Channels.newInputStream(channel))) {
            while (true) {
                byte[] frame = new byte[in.readInt()];
                in.readFully(frame);
                frames.add(frame);
            }
        } catch (IOException e) {
            // closed
        }
    }

    /** To the card. */
    void send(byte[] frame) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 + frame.length).putInt(frame.length).put(frame).flip();
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    /** The next frame that the card sent. */
    byte[] next() throws InterruptedException {
        byte[] frame = frames.poll(20, TimeUnit.SECONDS);
        if (frame == null) throw new AssertionError("no frame came from the card");
        return frame;
    }

    /** All that have come. */
    List<byte[]> drain() {
        List<byte[]> all = new java.util.ArrayList<>();
        frames.drainTo(all);
        return all;
    }

    int waiting() { return frames.size(); }

    @Override
    public void close() throws IOException { channel.close(); }
}
