package host.sim.net;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import vmkernel.api.net.FrameSink;

/** A hub in memory: whatever one station sends all others get, on the sender's thread. Any thread. */
public final class Hub {
    private final List<Port> ports = new CopyOnWriteArrayList<>();
    private volatile boolean powered = true;

    /** A hub without power gives no link and passes nothing. */
    public void power(boolean on) { powered = on; }

    public Wire port() {
        Port port = new Port();
        ports.add(port);
        return port;
    }

    private final class Port implements Wire {
        private volatile FrameSink sink = frames -> { };

        @Override public void sink(FrameSink sink) { this.sink = sink; }

        @Override public boolean up() { return powered; }

        @Override
        public void send(List<byte[]> frames) {
            if (!powered) return;
            for (Port port : ports) if (port != this) port.sink.frames(frames);
        }

        @Override public void close() { ports.remove(this); }
    }
}
