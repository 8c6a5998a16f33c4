package vmkernel.core.machine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The lock under which the devices of one VM work. Timers of the VM that come due while someone is in there are run by
 * whoever leaves: so the kernel's clock thread waits for no VM, and a guest that hammers its ports cannot keep its timers
 * from firing.
 */
final class DeviceLock {
    private final ReentrantLock lock = new ReentrantLock();
    /** Something of {@link #work} is due. Set before trying the lock and read after leaving it, so one of both sees it. */
    private volatile boolean due;
    private Runnable work = () -> {};

    /** What to do under the lock when it is due; must not throw. Set while the VM is off. */
    void work(Runnable work) {
        lock.lock();
        try {
            this.work = work;
        } finally {
            lock.unlock();
        }
    }

    void enter() { lock.lock(); }

    /** Enters if that is possible within the time. */
    boolean enter(long millis) throws InterruptedException { return lock.tryLock(millis, TimeUnit.MILLISECONDS); }

    void leave() {
        lock.unlock();
        if (due) catchUp();
    }

    /** The work is due: it is done by this thread, or by the one that is inside when it leaves. Never waits. */
    void ring() {
        due = true;
        catchUp();
    }

    /** The same from inside: when this thread leaves. */
    void ringOnLeave() { due = true; }

    boolean heldHere() { return lock.isHeldByCurrentThread(); }

    private void catchUp() {
        if (lock.isHeldByCurrentThread()) return; // an inner leave; the outer one looks again
        while (due && lock.tryLock()) {
            try {
                due = false;
                work.run();
            } finally {
                lock.unlock();
            }
        }
    }
}
