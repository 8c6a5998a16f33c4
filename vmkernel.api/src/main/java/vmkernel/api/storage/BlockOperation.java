package vmkernel.api.storage;

/** What a block request does. */
public enum BlockOperation {
    READ, WRITE,
    /** Everything that was completed before is on stable storage when this completes. */
    FLUSH,
    /** Keeps other hosts away from the unit (RESERVE [SPC-2]); from this host it may come again. Ends in RESERVATION_CONFLICT if another has it. */
    RESERVE,
    /** Ends the reservation of this host (RELEASE [SPC-2]); nothing if it has none. */
    RELEASE;

    /** Whether data go with it. */
    public boolean transfers() { return this == READ || this == WRITE; }
}
