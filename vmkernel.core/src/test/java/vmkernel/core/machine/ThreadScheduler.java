package vmkernel.core.machine;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;
import vmkernel.api.world.WorldScheduler;

/** The simplest scheduler that keeps the contract: a thread for each world. */
final class ThreadScheduler implements WorldScheduler {
    /** Refuses the next admission with this text. */
    volatile String refuse;
    volatile boolean refuseMinimums;
    private final Map<World, Runner> runners = new ConcurrentHashMap<>();

    private final class Runner extends Thread {
        final World world;
        private boolean woken = true;
        private boolean removed;
        private Slice slice;

        Runner(World world) {
            super("world-" + world.name());
            this.world = world;
            setDaemon(true);
        }

        @Override
        public void run() {
            while (true) {
                Slice turn;
                synchronized (this) {
                    while (!woken && !removed) await();
                    if (removed) return;
                    woken = false;
                    slice = turn = new Slice();
                }
                World.Outcome outcome = world.run(turn);
                synchronized (this) {
                    slice = null;
                    if (outcome == World.Outcome.READY) woken = true;
                    notifyAll();
                }
            }
        }

        synchronized void wake() {
            woken = true;
            notifyAll();
        }

        void end(boolean forGood) {
            synchronized (this) {
                removed |= forGood;
                if (slice != null) slice.expire();
                notifyAll();
            }
            world.preempt();
            if (!forGood) return;
            synchronized (this) {
                while (slice != null) await();
            }
        }

        private void await() {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    int count() { return runners.size(); }

    @Override public int physicalCpus() { return 2; }

    @Override
    public void admit(World world) throws AdmissionException {
        if (refuse != null) throw new AdmissionException(refuse);
        if (refuseMinimums && world.cpuAllocation().min() > 0) throw new AdmissionException("no minimums here");
        Runner runner = new Runner(world);
        runners.put(world, runner);
        runner.start();
    }

    @Override
    public void remove(World world) {
        Runner runner = runners.remove(world);
        if (runner != null) runner.end(true);
    }

    @Override
    public void wake(World world) {
        Runner runner = runners.get(world);
        if (runner != null) runner.wake();
    }

    @Override
    public void preempt(World world) {
        Runner runner = runners.get(world);
        if (runner != null) runner.end(false);
    }

    @Override
    public void reallocate(World world) throws AdmissionException {
        if (refuse != null) throw new AdmissionException(refuse);
    }

    @Override
    public List<Usage> usage() {
        return runners.keySet().stream().sorted((a, b) -> a.id() - b.id()).map(world -> new Usage(world, "RUN", 0, 4_000_000_000L, 3_000_000_000L, 0, 1_000_000_000L, 50)).toList();
    }
}
