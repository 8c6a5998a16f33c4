package vmkernel.sched;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.ResourceAllocation;

/** The policy, driven through simulated time: no threads, exact results. */
class RunQueueTest {
    private static final long MS = 1_000_000;

    /** A machine of so many CPUs whose worlds run until they are told to stop, or sleep when a test says so. */
    private static final class Simulation {
        final RunQueue queue;
        final int cpus;
        long now = 5 * MS;
        int turnsEnded;

        Simulation(int cpus) {
            this.cpus = cpus;
            queue = new RunQueue(cpus);
        }

        Scheduled add(int id, ResourceAllocation allocation) throws AdmissionException {
            Scheduled world = new Scheduled(new FakeWorld(id, allocation, slice -> null), now);
            queue.add(world, now);
            settle(world);
            return world;
        }

        void sleep(Scheduled world) {
            assertTrue(world.running());
            queue.stopped(world, true, now);
            settle(null);
        }

        void wake(Scheduled world) {
            queue.ready(world, now);
            settle(world);
        }

        /** Everything that happens without time passing; when to look again. */
        long settle(Scheduled woken) {
            for (int round = 0; ; round++) {
                assertTrue(round < 100, "the policy does not settle");
                List<Scheduled> ended = new ArrayList<>();
                long[] wanted = new long[1];
                long look = queue.plan(now, woken, ended, wanted);
                woken = null;
                for (Scheduled world : ended) {
                    turnsEnded++;
                    queue.stopped(world, false, now);
                }
                boolean changed = !ended.isEmpty();
                for (int slot = 0; slot < cpus; slot++) if (queue.running(slot) == null && queue.next(slot, now) != null) changed = true;
                if (!changed) return look;
            }
        }

        void run(long nanos) {
            for (long end = now + nanos; now < end; ) {
                long look = settle(null);
                now = Math.min(end, Math.max(now + 1000, look));
            }
            queue.advance(now);
        }
    }

    private static double percent(Scheduled world, long since, long nanos) { return 100.0 * (world.usedNanos - since) / nanos; }

    private static void expect(double percent, Scheduled world, long nanos) { assertEquals(percent, percent(world, 0, nanos), 0.5, world.world.name()); }

    @Test
    void busyWorldsShareOneCpuOneToTwoToFour() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled one = machine.add(1, FakeWorld.shares(1000));
        Scheduled two = machine.add(2, FakeWorld.shares(2000));
        Scheduled four = machine.add(3, FakeWorld.shares(4000));
        machine.run(7000 * MS);
        expect(100 / 7.0, one, 7000 * MS);
        expect(200 / 7.0, two, 7000 * MS);
        expect(400 / 7.0, four, 7000 * MS);
    }

    @Test
    void threeEqualWorldsGetTwoThirdsEachOfTwoCpus() throws Exception {
        Simulation machine = new Simulation(2);
        List<Scheduled> worlds = new ArrayList<>();
        for (int i = 1; i <= 3; i++) worlds.add(machine.add(i, FakeWorld.shares(1000)));
        machine.run(6000 * MS);
        for (Scheduled world : worlds) expect(200 / 3.0, world, 6000 * MS);
    }

    @Test
    void sharesThatOneCpuCannotServeDoNotDistortTheRest() throws Exception {
        Simulation machine = new Simulation(2);
        Scheduled one = machine.add(1, FakeWorld.shares(1000));
        Scheduled two = machine.add(2, FakeWorld.shares(2000));
        Scheduled huge = machine.add(3, FakeWorld.shares(100_000));
        machine.run(6000 * MS);
        expect(100 / 3.0, one, 6000 * MS);
        expect(200 / 3.0, two, 6000 * MS);
        expect(100, huge, 6000 * MS);
    }

    @Test
    void extremeSharesHold() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled tiny = machine.add(1, FakeWorld.shares(10));
        Scheduled big = machine.add(2, FakeWorld.shares(10_000));
        machine.run(60_000 * MS);
        assertEquals(0.1, percent(tiny, 0, 60_000 * MS), 0.05);
        assertEquals(99.9, percent(big, 0, 60_000 * MS), 0.05);
    }

    @Test
    void aMinimumIsGivenWhateverTheShares() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled guaranteed = machine.add(1, FakeWorld.of(60, 100, 1));
        Scheduled big = machine.add(2, FakeWorld.shares(100_000));
        machine.run(5000 * MS);
        expect(60, guaranteed, 5000 * MS);
        expect(40, big, 5000 * MS);
    }

    @Test
    void anUnusedMinimumIsLentOutAndGivenBackOnWaking() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled owner = machine.add(1, FakeWorld.of(80, 100, 1000));
        machine.sleep(owner);
        Scheduled other = machine.add(2, FakeWorld.shares(1000));
        machine.run(1000 * MS);
        expect(100, other, 1000 * MS);
        machine.wake(owner);
        long since = other.usedNanos;
        machine.run(1000 * MS);
        expect(80, owner, 1000 * MS);
        assertEquals(20, percent(other, since, 1000 * MS), 1.5);
    }

    @Test
    void aMaximumHoldsOnAnIdleMachineOverAnyWindow() throws Exception {
        Simulation machine = new Simulation(2);
        Scheduled capped = machine.add(1, FakeWorld.of(0, 30, 1000));
        long before = 0;
        for (int window = 0; window < 50; window++) {
            machine.run(200 * MS);
            long used = capped.usedNanos - before;
            before = capped.usedNanos;
            assertTrue(used <= 62 * MS, "window " + window + " used " + used);
            assertTrue(used >= 58 * MS, "window " + window + " used " + used);
        }
    }

    @Test
    void aMaximumOfZeroNeverRuns() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled none = machine.add(1, FakeWorld.of(0, 0, 1000));
        machine.run(1000 * MS);
        assertEquals(0, none.usedNanos, MS + 1000);
    }

    @Test
    void aWorldAloneIsNeverInterrupted() throws Exception {
        Simulation machine = new Simulation(2);
        machine.add(1, FakeWorld.shares(1000));
        machine.add(2, FakeWorld.shares(1000));
        assertEquals(RunQueue.NEVER, machine.settle(null));
        machine.run(10_000 * MS);
        assertEquals(0, machine.turnsEnded);
    }

    @Test
    void turnsLastTenMillisecondsWhenOthersWait() throws Exception {
        Simulation machine = new Simulation(1);
        machine.add(1, FakeWorld.shares(1000));
        machine.add(2, FakeWorld.shares(1000));
        machine.run(1000 * MS);
        assertEquals(100, machine.turnsEnded, 2);
    }

    @Test
    void aWorldThatSleptRunsAtOnceButHasSavedUpNoMoreThanATurn() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled sleeper = machine.add(1, FakeWorld.shares(1000));
        machine.sleep(sleeper);
        Scheduled busy = machine.add(2, FakeWorld.shares(1000));
        machine.run(5003 * MS);
        machine.wake(sleeper);
        assertTrue(sleeper.running(), "woken and not running");
        long since = sleeper.usedNanos;
        machine.run(100 * MS);
        assertTrue(sleeper.usedNanos - since <= 65 * MS, "took " + (sleeper.usedNanos - since));
        assertTrue(busy.usedNanos >= 5003 * MS + 35 * MS);
    }

    @Test
    void aWorldThatWasAloneForLongDoesNotStarveWhenOthersCome() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled old = machine.add(1, FakeWorld.shares(1000));
        machine.run(100_000 * MS);
        long since = old.usedNanos;
        machine.add(2, FakeWorld.shares(1000));
        machine.run(200 * MS);
        assertEquals(100, (old.usedNanos - since) / MS, 12);
    }

    @Test
    void boundWorldsShareTheirCpuAndAFreeOneKeepsTheOther() throws Exception {
        Simulation machine = new Simulation(2);
        Scheduled a = machine.add(1, FakeWorld.of(0, 100, 1000, 0));
        Scheduled b = machine.add(2, FakeWorld.of(0, 100, 1000, 0));
        Scheduled free = machine.add(3, FakeWorld.shares(1000));
        machine.run(4000 * MS);
        assertEquals(50, percent(a, 0, 4000 * MS), 1);
        assertEquals(50, percent(b, 0, 4000 * MS), 1);
        assertEquals(100, percent(free, 0, 4000 * MS), 1);
    }

    @Test
    void aWorldMovesAtOnceToMakeRoomForABoundOne() throws Exception {
        Simulation machine = new Simulation(2);
        Scheduled free = machine.add(1, FakeWorld.shares(1000));
        assertEquals(0, free.slot);
        Scheduled bound = machine.add(2, FakeWorld.of(0, 100, 1000, 0));
        assertTrue(bound.running() && bound.slot == 0);
        assertTrue(free.running() && free.slot == 1);
    }

    @Test
    void minimumsThatDoNotFitAreRefusedAndNothingChanges() throws Exception {
        Simulation machine = new Simulation(2);
        Scheduled first = machine.add(1, FakeWorld.of(80, 100, 1000, 0));
        AdmissionException refused = assertThrows(AdmissionException.class, () -> machine.add(2, FakeWorld.of(80, 100, 1000, 0)));
        assertEquals("vmm0:w2: CPU min 80% cannot be guaranteed: 80% of 100% is reserved on CPU 0", refused.getMessage());
        assertEquals(List.of(first), machine.queue.worlds());
        machine.add(3, FakeWorld.of(80, 100, 1000));
        assertThrows(AdmissionException.class, () -> machine.add(4, FakeWorld.of(50, 100, 1000)));
        assertThrows(AdmissionException.class, () -> machine.add(5, FakeWorld.of(0, 100, 1000, 7)));
        assertThrows(AdmissionException.class, () -> machine.add(6, new ResourceAllocation(120, 200, 1000, java.util.Set.of())));
        machine.add(7, FakeWorld.of(40, 100, 1000));
    }

    @Test
    void aChangedAllocationCountsFromThenOn() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled a = machine.add(1, FakeWorld.shares(1000));
        machine.add(2, FakeWorld.shares(1000));
        machine.run(1000 * MS);
        ((FakeWorld) a.world).allocation = FakeWorld.shares(3000);
        machine.queue.reallocate(a, machine.now);
        long since = a.usedNanos;
        machine.run(4000 * MS);
        assertEquals(75, percent(a, since, 4000 * MS), 1);
        ((FakeWorld) a.world).allocation = FakeWorld.of(200, 300, 1000);
        assertThrows(AdmissionException.class, () -> machine.queue.reallocate(a, machine.now));
        assertEquals(3000, a.allocation.shares());
    }

    @Test
    void timeIsAccountedToTheNanosecond() throws Exception {
        Simulation machine = new Simulation(1);
        Scheduled a = machine.add(1, FakeWorld.shares(1000));
        Scheduled b = machine.add(2, FakeWorld.shares(1000));
        machine.run(30 * MS);
        machine.sleep(a.running() ? a : b);
        machine.run(17 * MS);
        for (Scheduled world : List.of(a, b)) assertEquals(47 * MS, world.usedNanos + world.readyNanos + world.waitNanos);
        assertEquals(47 * MS, a.usedNanos + b.usedNanos);
        assertEquals(17 * MS, a.waitNanos + b.waitNanos);
    }
}
