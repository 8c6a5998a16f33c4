package vmkernel.core.storage;

import java.util.function.Consumer;
import vmkernel.api.storage.BlockResult;

/** The host as a user of a unit: it waits when it has too many requests there. */
final class HostUser {
    private final DiskShare share;
    private final ThreadLocal<Boolean> inside = ThreadLocal.withInitial(() -> false);
    private int requests;

    HostUser(DiskShare share) { this.share = share; }

    DiskShare share() { return share; }

    /** Waits for room, but for who submits from within {@code done}: the thread may be the one that makes room. */
    void enter() {
        boolean interrupted = false;
        synchronized (this) {
            while (requests >= Extent.HOST_REQUESTS && !inside.get()) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            requests++;
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    void leave(BlockResult result, Consumer<BlockResult> done) {
        synchronized (this) {
            requests--;
            notify();
        }
        boolean outer = inside.get();
        inside.set(true);
        try {
            done.accept(result);
        } finally {
            inside.set(outer);
        }
    }
}
