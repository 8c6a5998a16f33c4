package vmkernel.api.host;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;

/** The terminal that the process was started on: a service. */
@ConsumerType
public interface HostTerminal {
    /** True if standard input and output are a terminal. */
    boolean present();

    /** Every key is passed on at once, unseen and unechoed. @return restores the terminal @throws IOException in one line if there is none */
    AutoCloseable raw() throws IOException;

    /** Columns and rows; 80 and 24 if unknown. */
    int[] size();
}
