package vmkernel.sched;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.World;
import vmkernel.api.world.WorldScheduler;

/**
 * Proportional-share scheduling of worlds on host threads, one for each physical-CPU slot. {@link RunQueue} decides; this class
 * has the threads: one for each slot, and a clock thread that ends turns. Where no one waits, no turn is ended and the clock
 * sleeps. Framework property {@code vmk.pcpus}: number of slots, 1 to 64; default all processors of the host.
 */
@Component(service = WorldScheduler.class)
public final class ShareScheduler implements WorldScheduler {
    private static final Logger LOG = LoggerFactory.getLogger(ShareScheduler.class);
    /** LIMIT: affinity is kept in 64 bits. */
    private static final int MAX_SLOTS = 64;

    private final LongSupplier clock;
    private final int slots;
    private final Map<World, Scheduled> worlds = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final RunQueue queue;
    private final Condition[] work;
    /** A turn ended: for {@link #remove}. */
    private final Condition stopped = lock.newCondition();
    private final Condition clockChanged = lock.newCondition();
    private final List<Thread> threads = new ArrayList<>();
    private long lookAt = RunQueue.NEVER;
    private boolean closed;

    @Activate
    public ShareScheduler(BundleContext context) { this(slots(context.getProperty("vmk.pcpus")), System::nanoTime); }

    ShareScheduler(int slots, LongSupplier clock) {
        this.clock = clock;
        this.slots = slots;
        queue = new RunQueue(slots);
        work = new Condition[slots];
        for (int slot = 0; slot < slots; slot++) {
            int number = slot;
            work[slot] = lock.newCondition();
            start("pcpu" + slot, () -> serve(number));
        }
        start("pcpu-clock", this::watchTurns);
    }

    private static int slots(String property) {
        int processors = Math.min(MAX_SLOTS, Runtime.getRuntime().availableProcessors());
        if (property == null || property.isBlank()) return processors;
        try {
            int slots = Integer.parseInt(property.trim());
            if (slots >= 1 && slots <= MAX_SLOTS) return slots;
        } catch (NumberFormatException e) {
            // told below
        }
        LOG.warn("vmk.pcpus={}: a number from 1 to {} is needed; taking {}", property, MAX_SLOTS, processors);
        return processors;
    }

    private void start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
    }

    /** Ends all turns; worlds stay as they are for the next scheduler to take in. */
    @Deactivate
    void close() {
        List<Scheduled> ended = new ArrayList<>();
        lock.lock();
        try {
            closed = true;
            for (Scheduled world : queue.worlds()) {
                if (world.slice == null) continue;
                world.slice.expire();
                ended.add(world);
            }
            for (Condition condition : work) condition.signalAll();
            clockChanged.signalAll();
        } finally {
            lock.unlock();
        }
        preempt(ended);
        try {
            for (Thread thread : threads) if (thread != Thread.currentThread()) thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        worlds.clear();
    }

    @Override
    public int physicalCpus() { return slots; }

    @Override
    public void admit(World world) throws AdmissionException {
        Scheduled scheduled = new Scheduled(world, clock.getAsLong());
        change(() -> {
            if (closed) throw new IllegalStateException("the scheduler has stopped");
            if (worlds.putIfAbsent(world, scheduled) != null) throw new IllegalStateException("world " + world.name() + " is admitted already");
            try {
                queue.add(scheduled, clock.getAsLong());
            } catch (AdmissionException e) {
                worlds.remove(world);
                throw e;
            }
            return scheduled;
        });
    }

    @Override
    public void reallocate(World world) throws AdmissionException {
        Scheduled scheduled = worlds.get(world);
        if (scheduled == null) return;
        change(() -> {
            queue.reallocate(scheduled, clock.getAsLong());
            // it may stand on a CPU that it may not use any more
            if (scheduled.slice != null && !scheduled.mayUse(scheduled.slot)) scheduled.slice.expire();
            return null;
        });
        if (scheduled.running()) world.preempt();
    }

    @Override
    public void remove(World world) {
        Scheduled scheduled = worlds.get(world);
        if (scheduled == null) return;
        boolean interrupted = false;
        lock.lock();
        try {
            if (scheduled.slice != null && Thread.currentThread() == threads.get(scheduled.slot)) {
                throw new IllegalStateException("world " + world.name() + " cannot be removed from within its own turn");
            }
            scheduled.leaving = true;
            if (scheduled.slice != null) {
                scheduled.slice.expire();
                lock.unlock();
                try {
                    world.preempt();
                } finally {
                    lock.lock();
                }
            }
            while (scheduled.slice != null) {
                try {
                    stopped.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (worlds.remove(world, scheduled)) queue.remove(scheduled, clock.getAsLong());
        } finally {
            lock.unlock();
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    @Override
    public void wake(World world) {
        Scheduled scheduled = worlds.get(world);
        if (scheduled == null) return;
        for (int state; (state = scheduled.state.get()) != Scheduled.WAIT; ) {
            if (state != Scheduled.RUN || scheduled.state.compareAndSet(Scheduled.RUN, Scheduled.RUN_WOKEN)) return;
        }
        try {
            change(() -> {
                if (scheduled.state.get() != Scheduled.WAIT) return null;
                queue.ready(scheduled, clock.getAsLong());
                return scheduled;
            });
        } catch (AdmissionException e) {
            throw new AssertionError(e); // waking asks for nothing
        }
    }

    @Override
    public void preempt(World world) {
        Scheduled scheduled = worlds.get(world);
        if (scheduled == null || !scheduled.running()) return;
        lock.lock();
        try {
            if (scheduled.slice == null) return;
            scheduled.slice.expire();
        } finally {
            lock.unlock();
        }
        world.preempt();
    }

    @Override
    public List<Usage> usage() {
        lock.lock();
        try {
            long now = clock.getAsLong();
            queue.advance(now);
            double[] entitlements = queue.entitlements();
            List<Usage> lines = new ArrayList<>();
            for (int i = 0; i < entitlements.length; i++) {
                Scheduled world = queue.worlds().get(i);
                String status = world.running() ? "RUN" : world.state.get() == Scheduled.READY ? "READY" : "WAIT";
                lines.add(new Usage(world.world, status, world.slot, now - world.admitted, world.usedNanos, world.readyNanos, world.waitNanos,
                    (int) Math.round(entitlements[i] * 100)));
            }
            lines.sort(Comparator.comparingInt(line -> line.world().id()));
            return lines;
        } finally {
            lock.unlock();
        }
    }

    /** A change of the queue; gives the world that became ready by it, or null. */
    @FunctionalInterface
    private interface Change {
        Scheduled make() throws AdmissionException;
    }

    /** Makes a change under the lock and carries out what follows from it. */
    private void change(Change change) throws AdmissionException {
        List<Scheduled> ended = new ArrayList<>(1);
        lock.lock();
        try {
            plan(change.make(), ended);
        } finally {
            lock.unlock();
        }
        preempt(ended);
    }

    /** Sends idle slots to work and sets the clock. The caller preempts who is in {@code ended} after it gave the lock back. */
    private void plan(Scheduled woken, List<Scheduled> ended) {
        long[] wanted = new long[1];
        long look = queue.plan(clock.getAsLong(), woken, ended, wanted);
        for (long bits = wanted[0]; bits != 0; bits &= bits - 1) work[Long.numberOfTrailingZeros(bits)].signal();
        if (look < lookAt) clockChanged.signal();
        lookAt = look;
    }

    /** Foreign code, so under no lock. */
    private void preempt(List<Scheduled> ended) {
        for (Scheduled world : ended) {
            try {
                world.world.preempt();
            } catch (Throwable e) {
                warn(world, e);
            }
        }
    }

    /** A slot's thread. */
    private void serve(int slot) {
        List<Scheduled> ended = new ArrayList<>();
        lock.lock();
        try {
            while (!closed) {
                Scheduled world = take(slot, ended);
                if (world == null && ended.isEmpty()) {
                    work[slot].awaitUninterruptibly();
                    continue;
                }
                World.Outcome outcome = null;
                lock.unlock();
                try {
                    preempt(ended);
                    if (world != null) outcome = run(world);
                } finally {
                    ended.clear();
                    lock.lock();
                }
                if (world == null) continue;
                queue.stopped(world, outcome == World.Outcome.WAIT, clock.getAsLong());
                if (outcome == World.Outcome.DEAD && worlds.remove(world.world, world)) queue.remove(world, clock.getAsLong());
                stopped.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The world that this slot turns to, or null; the others are seen to. Keeps the slot alive even without memory. */
    private Scheduled take(int slot, List<Scheduled> ended) {
        Scheduled world = null;
        try {
            world = queue.next(slot, clock.getAsLong());
            plan(null, ended);
        } catch (OutOfMemoryError e) {
            // some world takes all memory; who has one runs, the rest is looked at again soon
            lookAt = clock.getAsLong() + RunQueue.SLICE;
            clockChanged.signal();
        }
        return world;
    }

    private World.Outcome run(Scheduled world) {
        try {
            World.Outcome outcome = world.world.run(world.slice);
            if (outcome != null) return outcome;
            throw new IllegalStateException("World.run gave null");
        } catch (Throwable e) {
            // whatever it is, even an OutOfMemoryError: this world is out, the slot serves the others
            warn(world, e);
            return World.Outcome.DEAD;
        }
    }

    private static void warn(Scheduled world, Throwable e) {
        try {
            LOG.error("world {} {} failed and is taken out", world.world.id(), world.world.name(), e);
        } catch (Throwable again) {
            // no memory for a message: nothing else to be done
        }
    }

    /** The clock's thread: ends turns and lets throttled worlds go on when it is time. */
    private void watchTurns() {
        List<Scheduled> ended = new ArrayList<>();
        lock.lock();
        try {
            while (!closed) {
                long left = lookAt == RunQueue.NEVER ? RunQueue.NEVER : lookAt - clock.getAsLong();
                if (left > 0) {
                    try {
                        if (left == RunQueue.NEVER) clockChanged.await(); else clockChanged.awaitNanos(left);
                    } catch (InterruptedException e) {
                        // nobody interrupts it for a reason; the condition is looked at again
                    }
                    continue;
                }
                try {
                    plan(null, ended);
                } catch (OutOfMemoryError e) {
                    lookAt = clock.getAsLong() + RunQueue.SLICE;
                }
                lock.unlock();
                try {
                    preempt(ended);
                } finally {
                    ended.clear();
                    lock.lock();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
