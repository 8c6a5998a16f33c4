package vmkernel.api.host;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.net.FrameSink;

/** Network interfaces of the machine below: a service. */
@ConsumerType
public interface HostNetwork {
    /**
     * Opens a tap interface, made if there is none of the name and gone when closed if it was made.
     *
     * @param name 1 to 15 characters
     * @param sink gets what the machine below sends, on a thread of its own
     * @throws IOException in one line: what is missing (privilege, device node) and what to do
     */
    Interface tap(String name, FrameSink sink) throws IOException;

    /** An open interface. Any thread. */
    @ConsumerType
    interface Interface extends AutoCloseable {
        String name();

        /** Up and with a carrier. */
        boolean up();

        /** Sends frames; those that the machine below does not take are dropped. @return how many it took */
        int send(java.util.List<byte[]> frames);

        @Override
        void close();
    }
}
