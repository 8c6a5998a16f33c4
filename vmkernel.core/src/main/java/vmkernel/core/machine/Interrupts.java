package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import vmkernel.api.device.BackdoorHandler;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.InterruptSink;

/**
 * Where the devices of one VM meet its interrupt controller and its backdoor. Several devices may drive a line: it is up while
 * one of them drives it, and the controller hears of changes only. Under the device lock.
 */
final class Interrupts {
    /** x87 errors [PIIX4, FERR#]. */
    private static final int FERR_IRQ = 13;
    /** What a CPU reads that acknowledges when there is no controller: the data bus floats. */
    private static final int FLOATING = 0xFF;

    private final Map<Integer, Line> lines = new TreeMap<>();
    private final Driver ferr = new Driver(lines.computeIfAbsent(FERR_IRQ, Line::new), null);
    private AttachedDevice controller;
    private InterruptSink sink;
    private AttachedDevice backdoorOwner;
    private BackdoorHandler backdoor;

    void serve(AttachedDevice device, InterruptSink newSink) {
        if (sink != null) throw new IllegalStateException("the interrupt controller is " + controller.prefix() + " already");
        controller = device;
        sink = newSink;
        for (Line line : lines.values()) if (line.told) line.restore();
    }

    void serve(AttachedDevice device, BackdoorHandler handler) {
        if (backdoor != null) throw new IllegalStateException("the backdoor belongs to " + backdoorOwner.prefix() + " already");
        backdoorOwner = device;
        backdoor = handler;
    }

    /** The device is gone. The controller hears nothing of the lines that it drove: a successor takes them up again. */
    void detach(AttachedDevice device) {
        for (Line line : lines.values()) {
            for (Driver driver : line.drivers) if (driver.owner == device) driver.leave();
            line.drivers.removeIf(driver -> driver.gone);
        }
        if (controller == device) {
            controller = null;
            sink = null;
        }
        if (backdoorOwner == device) {
            backdoorOwner = null;
            backdoor = null;
        }
    }

    /** The end of a line that this device drives; always the same one for a device and a line. */
    InterruptLine line(AttachedDevice device, int number) {
        Line line = lines.computeIfAbsent(number, Line::new);
        for (Driver driver : line.drivers) if (driver.owner == device) return driver;
        Driver driver = new Driver(line, device);
        line.drivers.add(driver);
        return driver;
    }

    void numericError(boolean level) { ferr.set(level); }

    /** Tells the controller what it missed: changes while there was none, and lines of devices that went and did not come back as they were. */
    void settle() {
        for (Line line : lines.values()) if (line.told != line.level()) line.tell();
    }

    /** An input of the controller: up while one of its drivers is. */
    private final class Line {
        private final int number;
        private final List<Driver> drivers = new ArrayList<>(2);
        /** How many drivers are up. */
        private int up;
        /** What the controller knows. */
        private boolean told;

        Line(int number) { this.number = number; }

        boolean level() { return up > 0; }

        void tell() {
            if (sink == null) return;
            told = level();
            try {
                sink.line(number, told);
            } catch (Throwable e) {
                controller.broken("with interrupt line " + number, e);
            }
        }

        void restore() {
            if (sink == null) return;
            try {
                sink.restore(number, told);
            } catch (Throwable e) {
                controller.broken("with interrupt line " + number, e);
            }
        }
    }

    /** One of those who drive a line. A line may be up because of another. */
    private static final class Driver implements InterruptLine {
        private final Line line;
        /** Null for the kernel. */
        private final AttachedDevice owner;
        private boolean level;
        private boolean gone;

        Driver(Line line, AttachedDevice owner) {
            this.line = line;
            this.owner = owner;
        }

        @Override
        public void set(boolean wanted) {
            if (gone || level == wanted) return;
            count(wanted);
            if (line.told != line.level()) line.tell();
        }

        @Override
        public void restore(boolean wanted) {
            if (gone) return;
            if (level != wanted) count(wanted);
            if (!wanted) return; // another one may hold it up; what is to be told is told in the end
            line.told = true;
            line.restore();
        }

        private void leave() {
            if (level) count(false);
            gone = true;
        }

        private void count(boolean wanted) {
            level = wanted;
            line.up += wanted ? 1 : -1;
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
