package vmkernel.api.storage;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.hardware.Driver;

/** A storage adapter at work. */
@ConsumerType
public interface BlockAdapter extends Driver {
    /** Units as they are known; {@code Upcalls.unitsChanged} tells of changes. Cheap. */
    List<LogicalUnit> units();

    /** Requests that it can have in flight; the kernel never gives it more. */
    int queueDepth();

    /** Most bytes of one request; the kernel splits larger ones. */
    int maxBytes();

    /** Starts a request and never blocks. Any thread, also several at a time. Not after {@code quiesce}. */
    void submit(BlockRequest request);
}
