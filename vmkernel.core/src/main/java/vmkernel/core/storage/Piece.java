package vmkernel.core.storage;

import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.TransferPart;

/**
 * As much of a command as an adapter takes at a time. One object goes to one adapter once: for a repetition there is a new one,
 * so that what a driver says late, or twice, reaches nobody.
 */
final class Piece implements BlockRequest {
    final Command command;
    /** Blocks from the start of the command. */
    final int first;
    private final int blocks;
    /** Times that it timed out before. */
    final int timeouts;
    /** Times that another host had the unit reserved. */
    final int conflicts;
    /** Place among those at the adapter; -1 if it is not there. Guarded by the queue. */
    int place = -1;
    /** Who gets it. */
    BlockAdapter adapter;
    /** How it ends without getting to the adapter; null if it is to get there. */
    BlockResult refusal;

    Piece(Command command, int first, int blocks, int timeouts, int conflicts) {
        this.command = command;
        this.first = first;
        this.blocks = blocks;
        this.timeouts = timeouts;
        this.conflicts = conflicts;
    }

    Piece again() { return part(first, blocks); }

    Piece afterTimeout() { return new Piece(command, first, blocks, timeouts + 1, conflicts); }

    Piece afterConflict() { return new Piece(command, first, blocks, timeouts, conflicts + 1); }

    /** Some of its blocks, as another piece. */
    Piece part(int from, int count) { return new Piece(command, from, count, timeouts, conflicts); }

    boolean withdrawn() { return command.asker.withdrawn(); }

    long sequence() { return command.sequence; }

    long bytes() { return (long) blocks * command.blockBytes; }

    @Override public BlockOperation operation() { return command.operation; }
    @Override public int target() { return command.unit().now().target(); }
    @Override public int lun() { return command.unit().now().lun(); }
    @Override public long block() { return command.block + first; }
    @Override public int blocks() { return blocks; }
    @Override public Transfer data() { return command.data == null ? null : TransferPart.of(command.data, first * command.blockBytes, (int) bytes()); }
    @Override public void complete(BlockResult result) { command.unit().queue().ended(this, result); }
    @Override public void giveBack() { command.unit().queue().givenBack(this); }

    @Override
    public String toString() {
        return operation() + " " + command.unit() + " block " + block() + ", " + blocks + " blocks";
    }
}
