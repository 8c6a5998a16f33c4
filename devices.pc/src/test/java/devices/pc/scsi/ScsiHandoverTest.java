package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.handover.Golden;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.handover.HandoverContract;
import vmkernel.api.handover.SavedState;
import vmkernel.api.storage.BlockResult;

/** SCSI adapters are handed over with commands under way. */
class ScsiHandoverTest {
    private static final int SEEDS = 6, STEPS = 1500;

    /** Two guests do the same; the adapter of one is handed over before any access to a register. It must never see a difference. */
    @ParameterizedTest
    @ValueSource(strings = {"lsilogic", "buslogic"})
    void aGuestNeverSeesADifference(String type) {
        int[] handovers = new int[2]; // all of them; those with requests under way
        for (int seed = 0; seed < SEEDS; seed++) {
            BusyScsiGuest left = new BusyScsiGuest(type, seed), moved = new BusyScsiGuest(type, seed);
            Random when = new Random(100 + seed);
            moved.driver.meanwhile(() -> {
                if (when.nextInt(20) != 0) return;
                moved.pc.handOver("scsi0");
                handovers[0]++;
                if (!moved.disks[0].pending.isEmpty()) handovers[1]++;
            });
            for (int step = 0; step < STEPS; step++) assertEquals(left.step(), moved.step(), "seed " + seed + " step " + step);
            assertEquals(left.pc.save("scsi0"), moved.pc.save("scsi0"), "seed " + seed);
            assertEquals(left.contents(), moved.contents(), "seed " + seed);
        }
        assertTrue(handovers[0] > 1000 && handovers[1] > 300, "of " + handovers[0] + " hand-overs " + handovers[1] + " with requests under way");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lsilogic", "buslogic"})
    void whatEndsWhileNobodyIsThereIsToldToTheSuccessor(String type) {
        BusyScsiGuest guest = new BusyScsiGuest(type, 1);
        guest.verify();
        guest.driver.send(5, 0, "28000000000100000100", false, LsiDriver.DATA, 512);
        SavedState state = guest.pc.save("scsi0");
        guest.pc.device("scsi0").close();
        guest.disks[0].end(BlockResult.GOOD);
        guest.pc.replace("scsi0", Optional.of(state));
        assertTrue(guest.pc.lines[19]);
        int[] ended = {-1};
        guest.driver.take(number -> ended[0] = number);
        assertEquals(5, ended[0]);
    }

    abstract static class Contract extends HandoverContract {
        private final String type;

        Contract(String type) { this.type = type; }

        @Override
        protected List<String> goldenStates() { return List.of(type + "-1.state"); }

        @Override
        protected final Subject create() { return new AdapterAtWork(new BusyScsiGuest(type, 7)); }

        private final class AdapterAtWork implements Subject {
            private final BusyScsiGuest guest;

            AdapterAtWork(BusyScsiGuest guest) { this.guest = guest; }

            @Override
            public void quiesce() {} // requests under way are the kernel's

            @Override
            public SavedState save() { return guest.pc.save("scsi0"); }

            @Override
            public Subject successor(Optional<SavedState> state) {
                guest.pc.replace("scsi0", state);
                if (state.isEmpty()) BusyScsiGuest.driverOf(type, guest.pc); // gives it its addresses again
                return this;
            }

            @Override
            public void use(Random random) { for (int i = random.nextInt(50); i >= 0; i--) guest.step(); }

            @Override
            public void verify() { guest.verify(); }

            @Override
            public void close() { guest.pc.device("scsi0").close(); }
        }
    }

    /** Writes the golden states of the present versions into a folder, to be added to those of older ones. */
    static final class GoldenStates {
        private GoldenStates() {}

        public static void main(String[] arguments) throws IOException {
            for (String type : List.of("lsilogic", "buslogic")) {
                BusyScsiGuest guest = new BusyScsiGuest(type, 1);
                for (int i = 0; i < 500 || guest.disks[0].pending.size() < 2; i++) guest.step();
                Golden.write(Path.of(arguments[0]), type, guest.pc.save("scsi0"));
            }
        }
    }

    @Nested
    class LsiLogicContract extends Contract {
        LsiLogicContract() { super("lsilogic"); }
    }

    @Nested
    class BusLogicContract extends Contract {
        BusLogicContract() { super("buslogic"); }
    }
}
