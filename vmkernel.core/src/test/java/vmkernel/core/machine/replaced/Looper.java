package vmkernel.core.machine.replaced;

import vmkernel.api.monitor.CpuModel;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.world.Slice;

/**
 * A monitor whose guest adds 1 to the {@link Counter} for ever and fails if the sum is not its own count, which is register 0.
 * Interrupts are counted in register 1. It knows nothing but the API.
 */
public final class Looper implements Monitor {
    private final String name;
    private final Runnable onSave;

    /** @param onSave may throw */
    public Looper(String name, Runnable onSave) {
        this.name = name;
        this.onSave = onSave;
    }

    @Override public String name() { return name; }

    @Override public boolean supports(CpuModel model) { return true; }

    @Override public Vcpu create(VcpuContext context, CpuState state) { return new Loop(context, state); }

    private final class Loop implements Vcpu {
        private final VcpuContext context;
        private long count;
        private long interrupts;
        private volatile long instructions;

        Loop(VcpuContext context, CpuState state) {
            this.context = context;
            count = state.registers[0];
            interrupts = state.registers[1];
        }

        @Override
        public Exit run(Slice slice) {
            while (!slice.expired()) {
                long before = context.ports().read(Counter.PORT, 4);
                if (before != (count & 0xFFFF_FFFFL)) throw new IllegalStateException("the device has counted " + before + ", the guest " + count);
                context.mmio().write(Counter.MEMORY, 4, 1);
                count++;
                if ((context.events() & VcpuContext.INTERRUPT_REQUEST) != 0) {
                    context.acknowledgeInterrupt();
                    interrupts++;
                }
                instructions++;
            }
            return Exit.STOPPED;
        }

        @Override public void kick() {}

        @Override
        public CpuState save() {
            onSave.run();
            CpuState state = CpuState.reset();
            state.registers[0] = count;
            state.registers[1] = interrupts;
            return state;
        }

        @Override public long instructions() { return instructions; }
        @Override public Throwable failure() { return null; }
        @Override public String describe() { return "count " + count + ", interrupts " + interrupts; }
        @Override public void close() {}
    }
}
