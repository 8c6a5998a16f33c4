package devices.pc.net;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.net.FrameSink;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.ReceiveFilter;
import vmkernel.api.net.SwitchPort;

/** A port of a switch with a test at its other end. */
public final class Wire implements SwitchPort {
    public static final MacAddress ADDRESS = MacAddress.parse("00:50:56:12:34:56");

    public final List<byte[]> sent = new ArrayList<>();
    public final List<Integer> batches = new ArrayList<>(); // how many frames came at a time
    public LinkState link = new LinkState(true, 100, true);
    public MacAddress own;
    public ReceiveFilter filter;
    private final List<byte[]> kept = new ArrayList<>(); // while there is no sink
    private FrameSink sink;

    /** Frames from the network, in one go. */
    public void arrive(byte[]... frames) {
        if (sink == null) kept.addAll(List.of(frames));
        else sink.frames(List.of(frames));
    }

    @Override
    public MacAddress address() { return ADDRESS; }

    @Override
    public void transmit(List<byte[]> frames) {
        sent.addAll(frames);
        batches.add(frames.size());
    }

    @Override
    public void sink(FrameSink sink) {
        this.sink = sink;
        if (sink == null || kept.isEmpty()) return;
        sink.frames(List.copyOf(kept));
        kept.clear();
    }

    @Override
    public void filter(MacAddress own, ReceiveFilter filter) {
        this.own = own;
        this.filter = filter;
    }

    @Override
    public LinkState link() { return link; }
}
