package vmkernel.core.files;

import java.util.concurrent.atomic.LongAdder;

/** What was read from and written to the files of a volume. Any thread. */
public final class FileCounters {
    private final LongAdder reads = new LongAdder(), bytesRead = new LongAdder(), writes = new LongAdder(), bytesWritten = new LongAdder();

    /** A copy. */
    public record Values(long reads, long kbRead, long writes, long kbWritten) {}

    void read(int bytes) {
        reads.increment();
        bytesRead.add(bytes);
    }

    void written(int bytes) {
        writes.increment();
        bytesWritten.add(bytes);
    }

    Values values() { return new Values(reads.sum(), bytesRead.sum() >> 10, writes.sum(), bytesWritten.sum() >> 10); }
}
