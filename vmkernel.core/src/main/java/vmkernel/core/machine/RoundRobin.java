package vmkernel.core.machine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;
import vmkernel.api.world.WorldScheduler;

/**
 * The kernel's own scheduler, while there is no other, such as during its update: each world has its turn of 10 ms, one after another, on as many threads
 * as the host has processors. It knows no shares, minimums, maximums or affinities.
 */
final class RoundRobin implements WorldScheduler, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RoundRobin.class);
    private static final long SLICE_MILLIS = 10;

    private final int slots = Runtime.getRuntime().availableProcessors();
    /** Guarded by this, as all below. */
    private final Map<World, Entry> worlds = new LinkedHashMap<>();
    private final Deque<Entry> ready = new ArrayDeque<>();
    private boolean closed;

    private static final class Entry {
        final World world;
        final long admitted = System.nanoTime();
        /** The turn that runs, or null. */
        Slice slice;
        long sliceStart;
        int slot;
        boolean waits;
        /** Woken during its turn. */
        boolean woken;
        long usedNanos, waitNanos, waitStart;

        Entry(World world) { this.world = world; }
    }

    RoundRobin() {
        for (int slot = 0; slot < slots; slot++) {
            int number = slot;
            start("vmk-round-robin-" + slot, () -> serve(number));
        }
        start("vmk-round-robin-clock", this::watch);
    }

    private static void start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override public int physicalCpus() { return slots; }

    @Override
    public synchronized void admit(World world) {
        Entry entry = new Entry(world);
        if (closed || worlds.putIfAbsent(world, entry) != null) throw new IllegalStateException("world " + world.name() + " cannot be admitted");
        ready.add(entry);
        notifyAll();
    }

    @Override
    public void remove(World world) {
        Entry entry;
        synchronized (this) {
            entry = worlds.remove(world);
            if (entry == null) return;
            ready.remove(entry);
            if (entry.slice == null) return;
            entry.slice.expire();
        }
        world.preempt();
        awaitStopped(entry);
    }

    private synchronized void awaitStopped(Entry entry) {
        boolean interrupted = false;
        while (entry.slice != null) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    @Override
    public synchronized void wake(World world) {
        Entry entry = worlds.get(world);
        if (entry == null) return;
        if (entry.slice != null) entry.woken = true;
        if (!entry.waits) return;
        entry.waits = false;
        entry.waitNanos += System.nanoTime() - entry.waitStart;
        ready.add(entry);
        notifyAll();
    }

    @Override
    public void preempt(World world) {
        synchronized (this) {
            Entry entry = worlds.get(world);
            if (entry == null || entry.slice == null) return;
            entry.slice.expire();
        }
        world.preempt();
    }

    @Override public void reallocate(World world) {}

    @Override
    public synchronized List<Usage> usage() {
        long now = System.nanoTime();
        List<Usage> lines = new ArrayList<>();
        for (Entry entry : worlds.values()) {
            long used = entry.usedNanos + (entry.slice != null ? now - entry.sliceStart : 0);
            long waited = entry.waitNanos + (entry.waits ? now - entry.waitStart : 0);
            long uptime = now - entry.admitted;
            lines.add(new Usage(entry.world, entry.slice != null ? "RUN" : entry.waits ? "WAIT" : "READY", entry.slot, uptime, used, Math.max(0, uptime - used - waited), waited, 0));
        }
        lines.sort(Comparator.comparingInt(line -> line.world().id()));
        return lines;
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** A slot's thread. */
    private void serve(int slot) {
        for (Entry entry; (entry = take(slot)) != null; ) {
            World.Outcome outcome = World.Outcome.DEAD;
            try {
                outcome = entry.world.run(entry.slice);
            } catch (Throwable e) {
                LOG.error("world {} failed and is taken out", entry.world.name(), e);
            }
            stopped(entry, outcome);
        }
    }

    private synchronized Entry take(int slot) {
        while (!closed && ready.isEmpty()) {
            try {
                wait();
            } catch (InterruptedException e) {
                // nobody interrupts it for a reason
            }
        }
        if (closed) return null;
        Entry entry = ready.poll();
        entry.slot = slot;
        entry.woken = false;
        entry.sliceStart = System.nanoTime();
        entry.slice = new Slice();
        return entry;
    }

    private synchronized void stopped(Entry entry, World.Outcome outcome) {
        long now = System.nanoTime();
        entry.usedNanos += now - entry.sliceStart;
        entry.slice = null;
        notifyAll();
        if (worlds.get(entry.world) != entry) return;
        if (outcome == World.Outcome.DEAD || outcome == null) {
            worlds.remove(entry.world);
        } else if (outcome == World.Outcome.READY || entry.woken) {
            ready.add(entry);
        } else {
            entry.waits = true;
            entry.waitStart = now;
        }
    }

    /** Ends turns while others wait for theirs. */
    private void watch() {
        while (true) {
            List<World> over = new ArrayList<>();
            synchronized (this) {
                if (closed) return;
                try {
                    if (ready.isEmpty()) wait(); else wait(SLICE_MILLIS);
                } catch (InterruptedException e) {
                    // nobody interrupts it for a reason
                }
                long now = System.nanoTime();
                for (Entry entry : worlds.values()) {
                    if (!ready.isEmpty() && entry.slice != null && now - entry.sliceStart >= SLICE_MILLIS * 1_000_000) over.add(entry.world);
                }
            }
            over.forEach(this::preempt);
        }
    }
}
