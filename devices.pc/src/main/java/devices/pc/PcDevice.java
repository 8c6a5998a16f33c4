package devices.pc;

import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;

/** A device of this bundle: its state is one {@link StateRecord}, exchanged by the same lines in both directions. */
public interface PcDevice extends VirtualDevice {
    /** Name of the state's schema and its present version. */
    String schema();

    default int version() { return 1; }

    /** Notes everything that a successor needs, or takes it up: then lines are restored and timers set, without an edge or a sound. */
    void exchange(StateRecord state);

    @Override
    default SavedState save() {
        StateRecord record = StateRecord.saving();
        exchange(record);
        return record.saved(schema(), version());
    }

    /** Goes on where the device that saved this left off. */
    default void load(SavedState state) { exchange(StateRecord.loading(state, schema(), version())); }

    /** A timer as state: when it is due. One that is late fires soon. */
    static void exchange(StateRecord state, String name, GuestTimer timer) {
        long deadline = state.exchange(name, timer.deadline());
        if (!state.loading()) return;
        if (deadline == GuestTimer.DISARMED) timer.cancel();
        else timer.at(deadline);
    }
}
