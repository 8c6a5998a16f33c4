package drivers.cciss;

import java.util.concurrent.atomic.AtomicLong;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciDevice;

/**
 * The command blocks, in one run of DMA memory, and the free ones among them: a stack without locks, so that few blocks, whose
 * memory is warm, do all the work while little is in flight.
 */
final class CommandPool implements AutoCloseable {
    /** Blocks behind the requests': for the driver's own questions, and for aborts. */
    private static final int OWN = 2;

    private final DmaBuffer blocks;
    private final Command[] commands;
    private final int depth;
    /** Index of the next free block under each, -1 for none. */
    private final int[] below;
    /** Index of the topmost free block in the low half; counts in the high half, so that no change goes unseen. */
    private final AtomicLong top = new AtomicLong(-1L & 0xFFFF_FFFFL);

    /** @throws IllegalStateException if there is no such memory */
    CommandPool(PciDevice device, int depth) {
        this.depth = depth;
        blocks = device.allocate((depth + OWN) * Command.SLOT, 128);
        commands = new Command[depth + OWN];
        below = new int[depth];
        for (int i = 0; i < commands.length; i++) commands[i] = new Command(i, blocks);
        for (int i = depth - 1; i >= 0; i--) give(commands[i]);
    }

    /** How deep it can be for a controller that holds so many. */
    static int depth(int wanted, int maxCommands) { return Math.max(1, Math.min(wanted, Math.min(maxCommands, Command.MOST) - OWN)); }

    int depth() { return depth; }

    /** All blocks, the driver's own last. */
    Command[] all() { return commands; }

    Command forQuestions() { return commands[depth]; }

    Command forAborts() { return commands[depth + 1]; }

    /** The block that a tag means, if there is such a one; null if not. */
    Command find(int tag) {
        int index = Command.indexOf(tag);
        return index < commands.length ? commands[index] : null;
    }

    /** A free block, or null. */
    Command take() {
        for (;;) {
            long was = top.get();
            int index = (int) was;
            if (index < 0) return null;
            if (top.compareAndSet(was, changed(was, below[index]))) return commands[index];
        }
    }

    void give(Command command) {
        for (;;) {
            long was = top.get();
            below[command.index()] = (int) was;
            if (top.compareAndSet(was, changed(was, command.index()))) return;
        }
    }

    private static long changed(long was, int index) { return (was >>> 32) + 1 << 32 | index & 0xFFFF_FFFFL; }

    /** Blocks that are in use. */
    int inFlight() {
        int count = 0;
        for (Command command : commands) if (command.phase() != Command.IDLE) count++;
        return count;
    }

    /** True while a thread is about to post or to end a command: soon over. */
    boolean inTransit() {
        for (Command command : commands) {
            int phase = command.phase();
            if (phase != Command.IDLE && phase != Command.POSTED) return true;
        }
        return false;
    }

    @Override
    public void close() { blocks.close(); }
}
