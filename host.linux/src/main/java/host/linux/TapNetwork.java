package host.linux;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.net.FrameSink;

/** Tap interfaces of Linux [Linux] networking/tuntap. */
final class TapNetwork implements HostNetwork {
    /** Guarded by itself. */
    private final Set<TapInterface> open = new HashSet<>();
    private boolean closed;

    @Override
    public Interface tap(String name, FrameSink sink) throws IOException {
        Libc.load();
        TapInterface tap = TapInterface.open(name, sink, this::forget);
        synchronized (open) {
            if (!closed) {
                open.add(tap);
                tap.start();
                return tap;
            }
        }
        tap.close();
        throw new IOException("tap " + name + ": host.linux is being stopped");
    }

    private void forget(TapInterface tap) {
        synchronized (open) {
            open.remove(tap);
        }
    }

    void close() {
        Set<TapInterface> last;
        synchronized (open) {
            closed = true;
            last = Set.copyOf(open);
        }
        last.forEach(TapInterface::close);
    }
}
