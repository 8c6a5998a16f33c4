package vmkernel.core.storage;

import vmkernel.api.storage.BlockResult;

/** Who asked for a block request. */
interface Asker {
    /** Called once, on any thread, under no lock of the storage; must not block. */
    void ended(BlockResult result);

    /** True if nobody wants it any more: it is ended without being done, unless the adapter has it already. Read without a lock. */
    default boolean withdrawn() { return false; }
}
