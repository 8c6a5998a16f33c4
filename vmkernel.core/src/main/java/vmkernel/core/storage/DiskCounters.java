package vmkernel.core.storage;

import vmkernel.api.storage.BlockOperation;

/** What was asked of a disk, in the words of [SAPI] {@code disk.<HTL>}. Any thread. */
public final class DiskCounters {
    private long reads;
    private long bytesRead;
    private long writes;
    private long bytesWritten;
    private long commands;
    private long aborts;
    private long busResets;

    /** A consistent copy. */
    public record Values(long kbRead, long kbWritten, long reads, long writes, long commands, long aborts, long busResets) {}

    synchronized void ended(BlockOperation operation, long bytes) {
        commands++;
        if (operation == BlockOperation.READ) {
            reads++;
            bytesRead += bytes;
        } else if (operation == BlockOperation.WRITE) {
            writes++;
            bytesWritten += bytes;
        }
    }

    synchronized void aborted() { aborts++; }

    synchronized void reset() { busResets++; }

    public synchronized Values values() { return new Values(bytesRead >> 10, bytesWritten >> 10, reads, writes, commands, aborts, busResets); }
}
