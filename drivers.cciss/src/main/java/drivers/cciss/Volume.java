package drivers.cciss;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;

/**
 * A logical volume.
 *
 * @param address its LUN as it stands in a command's header, taken as a little-endian number
 * @param trouble why it does not work, for people; empty if it does
 */
record Volume(long address, LogicalUnit unit, String trouble) {
    /** The volume's number: the lower 30 bits of its address [CISSR]. */
    static int number(long address) { return (int) address & 0x3FFF_FFFF; }

    /** True if it can be used. */
    boolean works() { return unit.blocks() > 0; }

    /** What a request ends with that has no business at the controller; null if it has. */
    BlockResult refusal(BlockRequest request, int maxBytes) {
        if (request.lun() != 0) return BlockResult.GONE;
        if (!works()) return BlockResult.HARDWARE_ERROR;
        if (!request.operation().transfers()) return null;
        if (request.operation() == BlockOperation.WRITE && unit.readOnly()) return BlockResult.WRITE_PROTECTED;
        if (request.block() < 0 || request.blocks() < 0 || request.block() > unit.blocks() - request.blocks()) return BlockResult.OUT_OF_RANGE;
        if (request.blocks() == 0) return BlockResult.GOOD;
        long bytes = (long) request.blocks() * unit.blockBytes();
        return bytes > maxBytes || request.data() == null || request.data().bytes() < bytes ? BlockResult.HARDWARE_ERROR : null;
    }

    /** Saves or loads a list of volumes. */
    static List<Volume> exchange(StateRecord state, List<Volume> volumes) {
        int count = state.exchange("volumes", volumes.size());
        List<Volume> result = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            result.add(exchange(state.child("volume" + i), state.loading() ? NOTHING : volumes.get(i)));
        }
        return result;
    }

    private static final Volume NOTHING = new Volume(0, new LogicalUnit(0, 0, 0, 512, false, "", "", ""), "");

    private static Volume exchange(StateRecord state, Volume volume) {
        LogicalUnit unit = volume.unit;
        long address = state.exchange("address", volume.address);
        return new Volume(address, new LogicalUnit(number(address), 0, state.exchange("blocks", unit.blocks()), state.exchange("blockBytes", unit.blockBytes()),
            state.exchange("readOnly", unit.readOnly()), state.exchange("vendor", unit.vendor()), state.exchange("model", unit.model()),
            state.exchange("revision", unit.revision())), state.exchange("trouble", volume.trouble));
    }

    @Override
    public String toString() {
        String what = "target " + unit.target() + " (" + unit.vendor() + " " + unit.model() + ")";
        if (!works()) return what + " does not work: " + trouble;
        return what + ": " + unit.blocks() + " blocks of " + unit.blockBytes() + " bytes" + (unit.readOnly() ? ", read-only" : "");
    }
}
