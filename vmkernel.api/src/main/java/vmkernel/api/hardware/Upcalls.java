package vmkernel.api.hardware;

import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.net.LinkState;

/**
 * What a driver may ask of the kernel, and tell it. Any thread; the driver holds no lock of its own that {@code submit} or
 * {@code transmit} would want.
 */
@ProviderType
public interface Upcalls {
    /** Parameters of the module as they were set at its loading, such as {@code debug=5}. */
    Map<String, String> parameters();

    /** Runs a task soon, on a thread of the kernel: one at a time for a device, in order. Dropped after the driver was closed. */
    void execute(Runnable task);

    /** Runs a task once after a time, as {@link #execute} does. @return call it to cancel */
    Runnable after(long millis, Runnable task);

    /**
     * The hardware no longer does what it should (a lockup): the kernel closes this driver, resets the device, attaches cold and
     * repeats the requests that were in flight. @param why one line for the log
     */
    void failed(String why);

    /** Network: frames that came in, without frame check sequence. The kernel keeps the arrays. */
    void received(List<byte[]> frames);

    /** Network: a transmit queue that was full has room again. */
    void transmitReady();

    /** Network: the link came or went. */
    void linkChanged(LinkState link);

    /** Storage: logical units came, went or changed. */
    void unitsChanged();
}
