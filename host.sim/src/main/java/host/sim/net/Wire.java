package host.sim.net;

import java.util.List;
import vmkernel.api.net.FrameSink;

/** A network cable with something at its far end. Any thread. */
public interface Wire extends AutoCloseable {
    /** The station at this end; frames that come while there is none are lost. */
    void sink(FrameSink sink);

    /**
     * Sends frames, none of which is ever changed afterwards; never waits. What the far end does not take is lost, as on a wire.
     * A far end in the same process may take them before this returns, so the caller holds no locks.
     */
    void send(List<byte[]> frames);

    /** Whether there is a link. */
    boolean up();

    @Override
    void close();
}
