package devices.pc.scsi;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/**
 * A wide SCSI bus with the virtual machine's disks, LUN 0 of a target each. Knows the commands that are with the kernel, by tag:
 * an end that comes for an unknown tag is of a command that was given up. Under the VM's device lock.
 */
final class ScsiBus {
    static final int TARGETS = 16, ADAPTER_ID = 7;

    private final GuestMemory memory;
    private final ScsiDisk[] disks = new ScsiDisk[TARGETS];
    private final Map<Long, ScsiCommand> inFlight = new LinkedHashMap<>(); // in the order of their start
    private final int depth;
    private final Consumer<ScsiCommand> ended;
    private long nextTag;

    /**
     * @param depth commands that are under way at a time; more get TASK SET FULL
     * @param ended told of every command that was started, once; also from within {@link #start}
     */
    ScsiBus(DeviceContext context, int depth, Consumer<ScsiCommand> ended) {
        this.memory = context.memory();
        this.depth = depth;
        this.ended = ended;
        nextTag = context.clock().nanos(); // an adapter that starts without its predecessor's state does not use its tags
        context.disks().forEach((target, disk) -> {
            if (target >= 0 && target < TARGETS && target != ADAPTER_ID) disks[target] = new ScsiDisk(this, disk, context.prefix() + ":" + target);
        });
    }

    /** As at power-on. */
    void powerOn() {
        inFlight.clear();
        for (ScsiDisk disk : disks) {
            if (disk == null) continue;
            disk.device().reset(); // also what an adapter before this one has started
            disk.powerOn();
        }
        listen();
    }

    private void listen() { for (ScsiDisk disk : disks) if (disk != null) disk.device().listener(this::completed); }

    void close() { for (ScsiDisk disk : disks) if (disk != null) disk.device().listener(null); }

    boolean present(int target) { return target >= 0 && target < TARGETS && disks[target] != null; }

    /** A bit for each target that is there. */
    int targets() {
        int bits = 0;
        for (int i = 0; i < TARGETS; i++) if (present(i)) bits |= 1 << i;
        return bits;
    }

    /** Commands that are with the kernel. */
    int busy() { return inFlight.size(); }

    /** Takes a command to its target. */
    void start(ScsiCommand command) {
        if (!present(command.target)) {
            command.outcome = ScsiCommand.Outcome.SELECTION_TIMEOUT;
            ended.accept(command);
        } else if (inFlight.size() >= depth) {
            command.status = ScsiCommand.TASK_SET_FULL;
            ended.accept(command);
        } else {
            command.tag = nextTag++;
            disks[command.target].start(command);
        }
    }

    /** A target is done with a command. */
    void end(ScsiCommand command) {
        if (command.status == ScsiCommand.CHECK_CONDITION && command.origin.senseBytes() == 0) disks[command.target].keep(command.sense);
        ended.accept(command);
    }

    /** A target needs its medium. @param data null for FLUSH */
    void submit(ScsiCommand command, BlockOperation operation, long block, Transfer data) {
        inFlight.put(command.tag, command);
        disks[command.target].device().submit(command.tag, operation, block, data);
    }

    private void completed(long tag, BlockResult result) {
        ScsiCommand command = inFlight.remove(tag);
        if (command != null) disks[command.target].completed(command, result);
    }

    GuestMemory memory() { return memory; }

    /** Gives up the commands that are meant, and tells of them. @return how many there were */
    int abort(Predicate<ScsiCommand> meant) {
        List<ScsiCommand> given = take(meant);
        for (ScsiCommand command : given) {
            command.outcome = ScsiCommand.Outcome.ABORTED;
            ended.accept(command);
        }
        return given.size();
    }

    /** True if the command with this context is under way. */
    boolean knows(int target, int context) {
        return inFlight.values().stream().anyMatch(command -> command.target == target && command.origin.context() == context);
    }

    /** Gives all commands up, and nobody is told: the adapter was reset. The devices are left as they are. */
    void forget() { take(command -> true); }

    /** BUS DEVICE RESET: its commands are given up. @return how many there were */
    int resetTarget(int target) {
        if (!present(target)) return 0;
        int given = abort(command -> command.target == target);
        disks[target].reset(ScsiDisk.DEVICE_RESET);
        return given;
    }

    /** The reset line of the bus. @return how many commands were given up */
    int resetBus() {
        int given = abort(command -> true);
        for (ScsiDisk disk : disks) if (disk != null) disk.reset(ScsiDisk.BUS_RESET);
        return given;
    }

    private List<ScsiCommand> take(Predicate<ScsiCommand> meant) {
        List<ScsiCommand> taken = new ArrayList<>();
        for (Iterator<ScsiCommand> each = inFlight.values().iterator(); each.hasNext(); ) {
            ScsiCommand command = each.next();
            if (!meant.test(command)) continue;
            each.remove();
            taken.add(command);
            disks[command.target].device().abort(command.tag);
        }
        return taken;
    }

    /** After loading, ends may come at once: the adapter takes up everything else before. */
    void exchange(StateRecord state) {
        nextTag = state.exchange("nextTag", nextTag);
        for (int i = 0; i < TARGETS; i++) if (disks[i] != null) disks[i].exchange(state.child("target" + i));
        int count = state.exchange("commands", inFlight.size());
        if (!state.loading()) {
            int i = 0;
            for (ScsiCommand command : inFlight.values()) command.save(state.child("command" + i++));
            return;
        }
        inFlight.clear();
        for (int i = 0; i < count; i++) {
            ScsiCommand command = ScsiCommand.underWay(state.child("command" + i));
            if (present(command.target)) inFlight.put(command.tag, command);
        }
        listen();
    }
}
