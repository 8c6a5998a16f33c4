package host.sim.array;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of a controller: they take posted commands and serve them. What matters is to wake as few as possible. To wake a thread
 * takes longer than to serve a command from the page cache, so one thread serves all as long as it keeps up, and interrupts for many
 * at once; when commands would wait longer than that, because the medium is slow, more are woken. One of those without work looks out
 * for a moment before it sleeps, so that the next command of a driver that waits for each finds it awake.
 */
final class Workers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Workers.class);
    /** A wait that is worth waking another thread for, and a time that replies may wait to be told together. */
    private static final long WAKE_NANOS = 25_000, REPORT_NANOS = 30_000;
    private static final long SPIN_NANOS = Runtime.getRuntime().availableProcessors() > 1 ? 20_000 : 0;
    private static final int MOST_UNREPORTED = 16;
    private static final long CLOSE_MILLIS = 1000, STOP_POLL_NANOS = 50_000, SLOW_STOP_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final String name;
    private final int limit;
    private final Work work;
    private final Deque<Worker> asleep = new ArrayDeque<>();
    private final List<Worker> all = new ArrayList<>();
    /** Those that will look for commands again soon: not asleep, not at something slow. */
    private final AtomicInteger awake = new AtomicInteger();
    private final AtomicBoolean lookout = new AtomicBoolean();
    /** Odd while everything is to stop; what was taken under another number is not served. */
    private volatile int generation;
    private volatile long serviceNanos = WAKE_NANOS;
    private volatile boolean closed;

    /** What there is to do. */
    interface Work {
        Command newCommand();

        /** A posted word, zero-extended; -1 if there is none to be had. */
        long next();

        /** How many are waiting; 0 if none is to be had. */
        int waiting();

        /** Serves it and puts its reply where the driver finds it. */
        void serve(int word, Command command, Worker worker);

        /** There are replies. May call the driver's interrupt handler. */
        void report();
    }

    Workers(String name, int limit, Work work) {
        this.name = name;
        this.limit = limit;
        this.work = work;
    }

    /** After something was posted. Cheap when somebody is awake. */
    void posted() {
        int now = awake.get();
        if (now == 0 || backlog(now)) wake();
    }

    /** The more are awake the more it takes, as they get in each other's way at the file. */
    private boolean backlog(int now) { return now < limit && work.waiting() * serviceNanos > WAKE_NANOS * now * now; }

    private void wake() {
        synchronized (asleep) {
            if (closed) return;
            Worker worker = asleep.pollLast(); // the one that went last: its caches are warm
            if (worker == null && all.size() >= limit) return;
            awake.incrementAndGet();
            if (worker != null) {
                worker.sleeping = false;
                LockSupport.unpark(worker);
            } else {
                worker = new Worker(name + " " + all.size());
                all.add(worker);
                worker.start();
            }
        }
    }

    private List<Worker> workers() {
        synchronized (asleep) {
            return List.copyOf(all);
        }
    }

    /** What each is at, for aborts. */
    List<Worker> atWork() { return workers().stream().filter(worker -> worker.busy).toList(); }

    /**
     * Makes everything stop: when it returns no command is being served and none will be until {@link #go}. Waits for the medium, not
     * for interrupt handlers, which may themselves wait for the caller.
     */
    void stop() {
        generation++;
        boolean interrupted = Thread.interrupted(); // else parking would not wait
        long start = System.nanoTime();
        boolean told = false;
        for (Worker worker : workers()) {
            while (worker.busy && worker != Thread.currentThread()) {
                LockSupport.parkNanos(this, STOP_POLL_NANOS);
                boolean slow = System.nanoTime() - start > SLOW_STOP_NANOS;
                if (slow && !told) LOG.warn("{}: the reset waits for a file that does not answer", name);
                told |= slow;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    void go() { generation++; }

    @Override
    public void close() {
        List<Worker> ending;
        synchronized (asleep) {
            closed = true;
            ending = List.copyOf(all);
            asleep.clear();
        }
        stop();
        for (Worker worker : ending) LockSupport.unpark(worker);
        try {
            for (Worker worker : ending) if (worker != Thread.currentThread()) worker.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One thread. */
    final class Worker extends Thread {
        /** Takes or serves a command: touches memory and the medium. */
        private volatile boolean busy;
        private volatile boolean sleeping;
        private volatile int taken;
        /** The present command took a way that says nothing of the others. */
        private boolean slow;
        /** Of the command that waits to be done, and how it was aborted if it was; see {@link SmartArray}. */
        volatile long tag, lun;
        volatile int aborted;

        Worker(String name) {
            super(name);
            setDaemon(true);
        }

        @Override
        public void run() {
            Command command = work.newCommand();
            int unreported = 0;
            long since = System.nanoTime();
            while (!closed) {
                long word = take();
                if (word >= 0) {
                    if (backlog(awake.get())) wake();
                    since = serve((int) word, command, since);
                    if (++unreported < MOST_UNREPORTED && unreported * serviceNanos <= REPORT_NANOS) continue;
                }
                if (unreported > 0) work.report();
                else lookOutThenSleep();
                unreported = 0;
                since = System.nanoTime();
            }
        }

        /** The next word, with the worker busy, so that a reset never comes between it and its generation; -1 if there is none. */
        private long take() {
            if ((generation & 1) != 0) return -1; // who stops everything has not to wait for this one
            busy = true;
            taken = generation;
            long word = current() ? work.next() : -1;
            if (word < 0) busy = false;
            return word;
        }

        /** @param start what time it is @return the same when it is served */
        private long serve(int word, Command command, long start) {
            try {
                if (!current()) return start;
                slow = false;
                interrupted(); // a driver's handler may have left it; it would close the file
                work.serve(word, command, this);
                long end = System.nanoTime();
                if (!slow) account(end - start);
                return end;
            } catch (RuntimeException e) {
                LOG.error("{}: command at {} failed", name, Integer.toHexString(word), e);
                return System.nanoTime();
            } finally {
                busy = false;
            }
        }

        /** Does something that may take long: others are woken for what is posted meanwhile. */
        void slowly(Runnable task) {
            slow = true;
            awake.decrementAndGet();
            try {
                if (work.waiting() > 0) posted();
                task.run();
            } finally {
                awake.incrementAndGet();
            }
        }

        /** False if the controller was reset since it took its command. */
        boolean current() { return taken == generation && (taken & 1) == 0; }

        private void lookOutThenSleep() {
            if (SPIN_NANOS > 0 && lookout.compareAndSet(false, true)) {
                boolean found = false;
                for (long end = System.nanoTime() + SPIN_NANOS; !found && System.nanoTime() < end; found = work.waiting() > 0) Thread.onSpinWait();
                lookout.set(false);
                if (found) return;
            }
            synchronized (asleep) {
                if (closed) return;
                sleeping = true;
                asleep.addLast(this);
                awake.decrementAndGet();
            }
            // what was posted by one who still saw this awake
            if (work.waiting() > 0 && awake.get() == 0) wake();
            while (sleeping && !closed) LockSupport.park(Workers.this);
        }
    }

    /**
     * A mean that goes up soon and down slowly: misses of the cache are a hint that there will be more. At most twice as high by one
     * command, as that may have been slow because its thread was interrupted.
     */
    private void account(long nanos) {
        long mean = serviceNanos;
        serviceNanos = nanos > mean ? (mean + Math.min(nanos, 3 * mean)) / 2 : mean - (mean - nanos + 15 >> 4);
    }
}
