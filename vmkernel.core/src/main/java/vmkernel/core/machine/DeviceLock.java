package vmkernel.core.machine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The lock under which the devices of one VM work. Work that comes from outside (a timer that is due, the end of a disk
 * request, a frame) is done at once by the thread that brings it if nobody is inside, else by whoever leaves: so the kernel's
 * clock and the drivers wait for no VM, nothing is handed to another thread, and a guest that hammers its ports cannot keep
 * its timers from firing.
 */
final class DeviceLock {
    /** So often in a row a thread that leaves looks for work that others bring meanwhile; then it goes its way. */
    private static final int ROUNDS = 4;

    private final ReentrantLock lock = new ReentrantLock();
    /** Something of {@link #work} is due. Set before trying the lock and read after leaving it, so one of both sees it. */
    private volatile boolean due;
    private volatile Work work = Work.NONE;

    /** What there is to do under the lock when it is due. */
    interface Work {
        Work NONE = new Work() {
            @Override public void run() {}
            @Override public void later() {}
        };

        /** Does a bounded part of it, under the lock; must not throw. */
        void run();

        /** There is more, and the thread that found it has done its part: {@link DeviceLock#ring} is to come soon, from another. */
        void later();
    }

    /** Set while the VM is off. */
    void work(Work work) {
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
        for (int round = 0; due; round++) {
            if (round == ROUNDS) {
                work.later(); // and still due, for the next one who leaves; not under the lock, where the next one might come too early
                return;
            }
            if (!lock.tryLock()) return;
            try {
                due = false;
                work.run();
            } finally {
                lock.unlock();
            }
        }
    }
}
