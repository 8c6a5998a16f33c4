package vmkernel.api.storage;

/** What a block request does. */
public enum BlockOperation {
    READ, WRITE,
    /** Everything that was completed before is on stable storage when this completes. */
    FLUSH
}
