package drivers.cciss;

import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.memory.HostMemory;

/** Asks the controller things, one at a time, and waits for the answer. One thread at a time. */
final class Dialog {
    /** Most bytes of an answer. */
    static final int MOST = 8192;
    /** The controller itself, as against one of its volumes. */
    static final long CONTROLLER = 0;

    /** How often a question is put again because something else was to be said first (a unit attention). */
    private static final int ATTEMPTS = 4;
    private static final int UNIT_ATTENTION = 6;

    /**
     * @param bytes that came
     * @param sense as in {@link vmkernel.api.storage.BlockResult}; -1 if there was no such answer
     */
    record Answer(boolean good, int bytes, int sense, int status) {
        @Override
        public String toString() {
            return good ? "good" : sense < 0 ? "status " + status : String.format("sense %x/%02x/%02x", sense >> 16, sense >> 8 & 0xFF, sense & 0xFF);
        }
    }

    private final Command command;
    private final Registers registers;
    private final Time time;
    private final long limitNanos;
    private final Time.Condition mayAsk;
    /** What to do while waiting: nothing where interrupts come. */
    private Runnable serving = () -> {};

    /** @param mayAsk false when the driver is being stopped; @throws IllegalStateException if there is no memory for it */
    Dialog(Command command, PciDevice device, Registers registers, Time time, long limitNanos, Time.Condition mayAsk) {
        this.command = command;
        this.registers = registers;
        this.time = time;
        this.limitNanos = limitNanos;
        this.mayAsk = mayAsk;
        command.buffer(device.allocate(MOST, 16));
    }

    /** Who looks for completions while the interrupt does not. */
    void serving(Runnable work) { serving = work; }

    /** @param length of the data, which are zero if they go to the device; @throws DriverException in one line if there is no answer at all */
    Answer ask(long lun, Cdb cdb, int length) throws DriverException {
        for (int i = 1; ; i++) {
            Answer answer = askOnce(lun, cdb, length);
            if (answer.sense >> 16 != UNIT_ATTENTION || i == ATTEMPTS) return answer;
        }
    }

    private Answer askOnce(long lun, Cdb cdb, int length) throws DriverException {
        if (command.phase() != Command.IDLE) throw new DriverException("the controller has not answered yet");
        command.begin();
        if (!mayAsk.met()) {
            command.end();
            throw new DriverException("the driver is being stopped");
        }
        HostMemory.fill(command.dataAddress(), length, (byte) 0);
        command.fill(lun, cdb, length);
        command.since = time.nanos();
        command.post(registers);
        if (!time.await(limitNanos, this::answered)) {
            throw new DriverException("the controller did not answer " + cdb.name() + " within " + limitNanos / 1_000_000_000L + " s");
        }
        return answer(length);
    }

    private boolean answered() {
        if (command.phase() == Command.IDLE) return true;
        serving.run();
        return command.phase() == Command.IDLE;
    }

    private Answer answer(int length) {
        if (!command.error) return new Answer(true, length, -1, 0);
        int status = command.commandStatus();
        boolean good = status == ErrorInfo.GOOD || status == ErrorInfo.UNDERRUN && command.scsiStatus() == 0;
        int came = (int) Math.max(0, length - command.residual());
        return new Answer(good, good ? came : 0, good ? -1 : command.sense(), status);
    }

    /** Bytes of the last answer. */
    byte[] data(int length) {
        byte[] data = new byte[length];
        HostMemory.read(command.dataAddress(), data, 0, length);
        return data;
    }
}
