package vmkernel.sched;

import java.util.Set;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;

/** A world whose turn is what a test says. */
class FakeWorld implements World {
    interface Body {
        Outcome run(Slice slice) throws Exception;
    }

    private final int id;
    volatile ResourceAllocation allocation;
    volatile Body body;
    volatile Runnable onPreempt = () -> {};

    FakeWorld(int id, ResourceAllocation allocation, Body body) {
        this.id = id;
        this.allocation = allocation;
        this.body = body;
    }

    static ResourceAllocation shares(int shares) { return new ResourceAllocation(0, ResourceAllocation.UNLIMITED, shares, Set.of()); }

    static ResourceAllocation of(int min, int max, int shares, Integer... affinity) { return new ResourceAllocation(min, max, shares, Set.of(affinity)); }

    @Override public int id() { return id; }
    @Override public String name() { return "vmm0:w" + id; }
    @Override public Type type() { return Type.VCPU; }
    @Override public int group() { return id; }
    @Override public ResourceAllocation cpuAllocation() { return allocation; }

    @Override
    public Outcome run(Slice slice) {
        try {
            return body.run(slice);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override public void preempt() { onPreempt.run(); }
}
