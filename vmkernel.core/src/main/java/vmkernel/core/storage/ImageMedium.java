package vmkernel.core.storage;

import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/**
 * A disk in files as one machine's. An image may wait for its files when it gets a request, so requests go there on threads of the kernel.
 *
 * <p>LIMIT: its shares are noted and have no effect: what goes through a volume is the host's own at the adapter.
 */
final class ImageMedium implements Medium {
    private static final Logger LOG = LoggerFactory.getLogger(ImageMedium.class);
    /** Requests that may wait for files at a time: those that wait for a flush share it. */
    private static final int LANES = 4;

    private final DiskImage image;
    private final String owner;
    private final Executor lanes;
    private final Runnable onClose;
    private final DiskShare share;
    private final LogicalUnit unit;
    /** Requests that have not ended. */
    private int active;

    /** @param onClose run when the image is closed */
    ImageMedium(DiskImage image, String owner, Executor threads, Runnable onClose) {
        this.image = image;
        this.owner = owner;
        this.onClose = onClose;
        lanes = new Lanes(threads, LANES);
        share = new DiskShare(null, owner);
        unit = new LogicalUnit(0, 0, image.blocks(), DiskImage.BLOCK_BYTES, image.readOnly(), "VMware", "Virtual disk", "1.0");
    }

    @Override public LogicalUnit unit() { return unit; }
    @Override public long blocks() { return unit.blocks(); }
    @Override public boolean readOnly() { return unit.readOnly(); }
    @Override public boolean inFiles() { return true; }
    @Override public DiskShare share() { return share; }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Asker asker) {
        synchronized (this) {
            active++;
        }
        lanes.execute(() -> {
            if (asker.withdrawn()) ended(asker, BlockResult.GONE); else start(operation, block, data, asker);
        });
    }

    private void start(BlockOperation operation, long block, Transfer data, Asker asker) {
        try {
            image.submit(operation, block, data, result -> ended(asker, result));
        } catch (RuntimeException | LinkageError e) {
            LOG.error("{}: {} at block {} failed", owner, operation, block, e);
            ended(asker, BlockResult.HARDWARE_ERROR);
        }
    }

    private void ended(Asker asker, BlockResult result) {
        synchronized (this) {
            if (--active == 0) notifyAll();
        }
        asker.ended(result);
    }

    @Override
    public synchronized boolean settled(long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        try {
            for (long left; active > 0 && (left = end - System.nanoTime()) > 0; ) wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return active == 0;
    }

    @Override
    public void close() {
        try {
            image.close();
        } catch (IOException e) {
            LOG.error("{}: {}", owner, e.getMessage());
        }
        onClose.run();
    }

    @Override public String toString() { return owner; }
}
