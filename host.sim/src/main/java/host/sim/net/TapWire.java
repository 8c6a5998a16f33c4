package host.sim.net;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.net.FrameSink;

/** A tap interface of the machine below. Frames that are too short for a wire are padded. */
final class TapWire implements Wire {
    private final HostNetwork.Interface tap;
    private volatile FrameSink sink = frames -> { };

    /** @throws IOException as {@link HostNetwork#tap} */
    TapWire(HostNetwork network, String name) throws IOException { tap = network.tap(name, this::received); }

    private void received(List<byte[]> frames) {
        List<byte[]> padded = new ArrayList<>(frames.size());
        for (byte[] frame : frames) padded.add(Ethernet.padded(frame));
        sink.frames(padded);
    }

    @Override public void sink(FrameSink sink) { this.sink = sink; }

    @Override public void send(List<byte[]> frames) { tap.send(frames); }

    @Override public boolean up() { return tap.up(); }

    @Override public void close() { tap.close(); }
}
