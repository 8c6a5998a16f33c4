package vmkernel.api.hardware;

import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.Handover;

/**
 * A driver at work on one device: a {@link vmkernel.api.storage.BlockAdapter} or a {@link vmkernel.api.net.NetAdapter}. Its
 * methods and what it was given to run (interrupt handler, tasks, timers) may be called at the same time by different threads.
 */
@ConsumerType
public interface Driver extends Handover, AutoCloseable {
    /** Counters for people, in the words of the datasheet, in a fixed order. Any thread. */
    Map<String, Long> statistics();

    /** Makes the device stop (no DMA, no interrupts) and forgets it. Called once, also after a failure; never throws. */
    @Override
    void close();
}
