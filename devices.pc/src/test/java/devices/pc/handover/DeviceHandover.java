package devices.pc.handover;

import devices.pc.TestMachine;
import java.util.Optional;
import java.util.Random;
import vmkernel.api.handover.HandoverContract;
import vmkernel.api.handover.SavedState;

/** The contract for one device of the busy guest's machine. */
abstract class DeviceHandover extends HandoverContract {
    private final String prefix;

    DeviceHandover(String prefix) { this.prefix = prefix; }

    /** Proves that the device works, whatever state it is in. */
    abstract void verify(TestMachine pc);

    @Override
    protected final Subject create() { return new DeviceAtWork(new BusyGuest(prefix.hashCode())); }

    private final class DeviceAtWork implements Subject {
        private final BusyGuest guest;

        DeviceAtWork(BusyGuest guest) { this.guest = guest; }

        @Override
        public void quiesce() {} // nothing happens by itself while guest time stands still

        @Override
        public SavedState save() { return guest.pc.save(prefix); }

        @Override
        public Subject successor(Optional<SavedState> state) {
            guest.pc.replace(prefix, state);
            return this;
        }

        @Override
        public void use(Random random) { for (int i = random.nextInt(200); i >= 0; i--) guest.step(); }

        @Override
        public void verify() { DeviceHandover.this.verify(guest.pc); }

        @Override
        public void close() { guest.pc.device(prefix).close(); }
    }
}
