package devices.pc.handover;

import devices.pc.TestMachine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

    /** Writes the golden states of the present versions into a folder, to be added to those of older ones. */
    static final class Golden {
        private Golden() {}

        public static void main(String[] arguments) throws IOException {
            BusyGuest guest = new BusyGuest(1);
            for (int i = 0; i < 3000; i++) guest.step();
            for (String device : List.of("board", "serial0", "debugcon", "ethernet0")) write(Path.of(arguments[0]), device, guest.pc.save(device));
        }

        private static void write(Path folder, String device, SavedState state) throws IOException {
            byte[] head = (state.schema() + " " + state.version() + "\n").getBytes(StandardCharsets.US_ASCII), all = new byte[head.length + state.data().length];
            System.arraycopy(head, 0, all, 0, head.length);
            System.arraycopy(state.data(), 0, all, head.length, state.data().length);
            Files.write(folder.resolve(device + "-" + state.version() + ".state"), all);
        }
    }
}
