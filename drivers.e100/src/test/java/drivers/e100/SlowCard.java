package drivers.e100;

import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import vmkernel.api.memory.HostMemory;

/**
 * A card of QEMU that takes its time, as silicon does: a command is accepted and executed some time after it was written, the
 * PHY answers after a while, and any access may take longer. It also does with a resume what silicon does and QEMU does not:
 * nothing, if the block at which the unit rests still has its S bit.
 */
final class SlowCard extends TamperedCard implements AutoCloseable {
    private static final int COMMAND = 2, POINTER = 4, PORT = 8, MDI = 0x10;
    private static final int CU_START = 0x10, CU_RESUME = 0x20, MDI_READY = 0x1000_0000;
    private static final int COMPLETE = 0x8000, SUSPEND = 0x4000_0000;

    private final long ram;
    private final Random random;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread made = new Thread(task, "slow card");
        made.setDaemon(true);
        return made;
    });
    private int pending, resets, mdiReadsLeft;
    private long pointer, block;

    /** @param ram address of bus address 0 */
    SlowCard(QemuCard card, long ram, long seed) {
        super(card);
        this.ram = ram;
        random = new Random(seed);
        reads = this::answer;
        writes = this::take;
    }

    private synchronized long answer(int offset, int bytes, long value) {
        if (random.nextInt(32) == 0) pause();
        if (offset == COMMAND && pending != 0) return pending;
        if (offset == MDI && mdiReadsLeft > 0) {
            mdiReadsLeft--;
            return value & ~MDI_READY;
        }
        return value;
    }

    private synchronized boolean take(int offset, int bytes, long value) {
        if (random.nextInt(32) == 0) pause();
        switch (offset) {
            case POINTER -> pointer = value;
            case MDI -> mdiReadsLeft = random.nextInt(4);
            case PORT -> {
                resets++;
                pending = 0;
            }
            case COMMAND -> {
                if (pending != 0) throw new AssertionError("command " + value + " was given before " + pending + " was accepted");
                pending = (int) value;
                int reset = resets, delay = random.nextInt(300_000);
                thread.execute(() -> execute(reset, delay));
                return false;
            }
            default -> {}
        }
        return true;
    }

    private void pause() { LockSupport.parkNanos(random.nextInt(50_000)); }

    private void execute(int reset, long delayNanos) {
        LockSupport.parkNanos(delayNanos);
        synchronized (this) {
            if (reset != resets) return;
            if (pending == CU_START) block = pointer;
            if (pending != CU_RESUME || !restsForGood()) card.write(0, COMMAND, 1, pending);
            pending = 0;
        }
    }

    private boolean restsForGood() {
        int status = HostMemory.getIntAcquire(ram + block);
        while ((status & (COMPLETE | SUSPEND)) == COMPLETE) {
            block = HostMemory.getInt(ram + block + 4) & 0xFFFF_FFFFL;
            status = HostMemory.getIntAcquire(ram + block);
        }
        return (status & COMPLETE) != 0;
    }

    @Override
    public void close() { thread.shutdown(); }
}
