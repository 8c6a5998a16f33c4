package vmkernel.core.machine;

import vmkernel.api.device.BackdoorHandler;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.InterruptSink;

/** Where the devices of one VM meet its interrupt controller and its backdoor. Under the device lock. */
final class Interrupts {
    /** x87 errors [PIIX4, FERR#]. */
    private static final int FERR_IRQ = 13;
    /** What a CPU reads that acknowledges when there is no controller: the data bus floats. */
    private static final int FLOATING = 0xFF;

    private AttachedDevice controller;
    private InterruptSink sink;
    private AttachedDevice backdoorOwner;
    private BackdoorHandler backdoor;

    void serve(AttachedDevice device, InterruptSink newSink) {
        if (sink != null) throw new IllegalStateException("the interrupt controller is " + controller.prefix() + " already");
        controller = device;
        sink = newSink;
    }

    void serve(AttachedDevice device, BackdoorHandler handler) {
        if (backdoor != null) throw new IllegalStateException("the backdoor belongs to " + backdoorOwner.prefix() + " already");
        backdoorOwner = device;
        backdoor = handler;
    }

    void detach(AttachedDevice device) {
        if (controller == device) {
            controller = null;
            sink = null;
        }
        if (backdoorOwner == device) {
            backdoorOwner = null;
            backdoor = null;
        }
    }

    /** LIMIT: one driver for a line; sharing comes with the PCI devices that share. */
    InterruptLine line(int number) {
        return new InterruptLine() {
            @Override
            public void set(boolean level) {
                if (sink != null) sink.line(number, level);
            }

            @Override
            public void restore(boolean level) {
                if (sink != null) sink.restore(number, level);
            }
        };
    }

    void numericError(boolean level) {
        if (sink == null) return;
        try {
            sink.line(FERR_IRQ, level);
        } catch (Throwable e) {
            controller.broken("with an x87 error", e);
        }
    }

    int acknowledge(int cpu) {
        if (sink == null) return FLOATING;
        try {
            return sink.acknowledge(cpu);
        } catch (Throwable e) {
            controller.broken("at an interrupt acknowledge", e);
            return FLOATING;
        }
    }

    void apicBase(int cpu, long value) {
        if (sink == null) return;
        try {
            sink.apicBase(cpu, value);
        } catch (Throwable e) {
            controller.broken("setting the APIC base", e);
        }
    }

    int taskPriority(int cpu) {
        if (sink == null) return 0;
        try {
            return sink.taskPriority(cpu);
        } catch (Throwable e) {
            controller.broken("reading the task priority", e);
            return 0;
        }
    }

    void taskPriority(int cpu, int priority) {
        if (sink == null) return;
        try {
            sink.taskPriority(cpu, priority);
        } catch (Throwable e) {
            controller.broken("setting the task priority", e);
        }
    }

    boolean backdoor(int port, int[] registers) {
        if (backdoor == null) return false;
        try {
            return backdoor.call(port, registers);
        } catch (Throwable e) {
            backdoorOwner.broken("in the backdoor", e);
            return false;
        }
    }
}
