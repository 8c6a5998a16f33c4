package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;
import vmkernel.api.world.WorldScheduler;

@Timeout(60)
class RoundRobinTest {
    private final RoundRobin scheduler = new RoundRobin();

    @AfterEach
    void close() { scheduler.close(); }

    /** Works until its slice is over, and then does what a test says. */
    private static final class Worker implements World {
        final int id;
        final AtomicLong work = new AtomicLong();
        final AtomicInteger turns = new AtomicInteger();
        final AtomicInteger inside = new AtomicInteger();
        volatile Outcome next = Outcome.READY;
        volatile boolean twice;

        Worker(int id) { this.id = id; }

        @Override
        public Outcome run(Slice slice) {
            twice |= inside.incrementAndGet() > 1;
            turns.incrementAndGet();
            while (!slice.expired() && next == Outcome.READY) work.incrementAndGet();
            inside.decrementAndGet();
            return next;
        }

        @Override public int id() { return id; }
        @Override public String name() { return "w" + id; }
        @Override public Type type() { return Type.HELPER; }
        @Override public int group() { return id; }
        @Override public ResourceAllocation cpuAllocation() { return ResourceAllocation.normal(); }
        @Override public void preempt() {}
    }

    private List<Worker> workers(int count) {
        List<Worker> workers = new ArrayList<>();
        for (int i = 1; i <= count; i++) workers.add(new Worker(i));
        workers.forEach(scheduler::admit);
        return workers;
    }

    @Test
    void moreWorldsThanProcessorsAllHaveTheirTurn() {
        List<Worker> workers = workers(3 * scheduler.physicalCpus());
        for (Worker worker : workers) FakePc.await(() -> worker.turns.get() > 3);
        assertEquals(workers.size(), scheduler.usage().size());
        assertTrue(scheduler.usage().stream().allMatch(line -> line.usedNanos() > 0 && line.uptimeNanos() >= line.usedNanos() + line.readyNanos()));
        for (Worker worker : workers) {
            scheduler.remove(worker);
            assertEquals(0, worker.inside.get());
            assertFalse(worker.twice);
        }
        assertEquals(List.of(), scheduler.usage());
    }

    @Test
    void aWorldThatWaitsRunsAgainWhenWokenAndNoWakeIsLost() {
        Worker worker = workers(1).get(0);
        worker.next = World.Outcome.WAIT;
        FakePc.await(() -> scheduler.usage().get(0).status().equals("WAIT"));
        for (int i = 0; i < 1000; i++) {
            int before = worker.turns.get();
            scheduler.wake(worker);
            FakePc.await(() -> worker.turns.get() > before);
        }
        WorldScheduler.Usage line = scheduler.usage().get(0);
        assertTrue(line.waitNanos() > 0);
    }

    @Test
    void aWorldThatIsDeadOrThrowsLeaves() {
        Worker dead = workers(1).get(0);
        dead.next = World.Outcome.DEAD;
        FakePc.await(() -> scheduler.usage().isEmpty());
        dead.next = null;
        scheduler.admit(dead);
        FakePc.await(() -> scheduler.usage().isEmpty());
        Worker alive = workers(1).get(0);
        FakePc.await(() -> alive.work.get() > 0);
        assertThrows(IllegalStateException.class, () -> scheduler.admit(alive));
        scheduler.remove(alive);
        scheduler.remove(dead);
    }
}
