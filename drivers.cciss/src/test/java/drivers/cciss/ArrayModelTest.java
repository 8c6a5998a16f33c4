package drivers.cciss;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import host.sim.array.Board;
import host.sim.array.Faults;
import host.sim.array.SmartArray;
import host.sim.bus.PciBoard;
import host.sim.bus.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;

/** This driver and the Smart Array of host.sim, which somebody else made: what goes through both is in the files. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ArrayModelTest {
    private static final int BLOCKS = 32_768, DEPTH = 32;

    @TempDir Path folder;
    private final PciBoard pci = new PciBoard("test", 64 << 20);
    private final List<String> complaints = new ArrayList<>();
    private SmartArray model;
    private SmallKernel kernel;

    private void plug(Board board, String... more) throws Exception {
        List<String> settings = new ArrayList<>(List.of("unit0.file", "zero", "unit0.size", BLOCKS / 2 + "K", "unit3.file", "three", "unit3.size", "1M"));
        settings.addAll(List.of(more));
        Settings all = Settings.of(settings.toArray(String[]::new));
        var device = pci.plug(new PciAddress(1, 3, 0), slot -> model = SmartArray.of(board, all, slot, folder, Optional::empty, complaints::add));
        kernel = new SmallKernel(device);
    }

    @AfterEach
    void close() {
        if (kernel != null) kernel.close();
        pci.close();
        assertEquals(List.of(), complaints);
    }

    /** Random requests with many in flight at a time, none of which overlap; reads are compared with what was written before. */
    private byte[] exercise(Random random, int rounds, Runnable between) throws Exception {
        byte[] expected = new byte[BLOCKS * 512];
        int part = BLOCKS / DEPTH;
        for (int round = 0; round < rounds; round++) {
            List<SmallKernel.Job> jobs = new ArrayList<>();
            for (int i = 0; i < DEPTH; i++) {
                int blocks = 1 + random.nextInt(random.nextInt(8) == 0 ? 128 : 8), block = i * part + random.nextInt(part - blocks);
                boolean write = random.nextBoolean();
                byte[] data = new byte[blocks * 512];
                if (write) {
                    random.nextBytes(data);
                    System.arraycopy(data, 0, expected, block * 512, data.length);
                }
                jobs.add(kernel.start(write ? BlockOperation.WRITE : BlockOperation.READ, 0, block, data));
            }
            if (random.nextInt(8) == 0) jobs.add(kernel.start(BlockOperation.FLUSH, 0, 0, null));
            between.run();
            for (SmallKernel.Job job : jobs) {
                assertEquals(BlockResult.GOOD, job.await(), job.toString());
                if (job.operation() == BlockOperation.READ) {
                    int from = (int) job.block() * 512;
                    assertArrayEquals(Arrays.copyOfRange(expected, from, from + job.bytes().length), job.bytes(), job.toString());
                }
            }
        }
        return expected;
    }

    private void compareWithFile(byte[] expected) throws Exception {
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.FLUSH, 0, 0, null).await());
        assertArrayEquals(expected, Files.readAllBytes(folder.resolve("zero")));
    }

    @ParameterizedTest
    @EnumSource(Board.class)
    void everyBoardIsServed(Board board) throws Exception {
        plug(board);
        compareWithFile(exercise(new Random(1), 20, () -> { }));
        assertEquals(List.of(0, 3), kernel.units().stream().map(unit -> unit.target()).toList());
        assertEquals(List.of((long) BLOCKS, 2048L), kernel.units().stream().map(unit -> unit.blocks()).toList());
        assertEquals(0, kernel.statistics().get("invalid tags"));
    }

    @Test
    void readOnlyAndTruncatedFilesAreProperErrors() throws Exception {
        Files.write(folder.resolve("constant"), new byte[4096]);
        Files.write(folder.resolve("short"), new byte[8192]);
        plug(Board.SMARTARRAYP400, "unit1.file", "constant", "unit1.readonly", "true", "unit2.file", "short", "unit2.size", "16K");
        assertTrue(kernel.units().get(1).readOnly());
        assertEquals(BlockResult.WRITE_PROTECTED, kernel.start(BlockOperation.WRITE, 1, 0, new byte[512]).await());
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.READ, 1, 0, new byte[4096]).await());
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.READ, 2, 0, new byte[8192]).await());
        assertEquals(BlockResult.READ_ERROR, kernel.start(BlockOperation.READ, 2, 16, new byte[512]).await());
        assertEquals(BlockResult.OUT_OF_RANGE, kernel.start(BlockOperation.READ, 2, 32, new byte[512]).await());
        assertEquals(BlockResult.GONE, kernel.start(BlockOperation.READ, 9, 0, new byte[512]).await());
    }

    @Test
    void aReservationIsForgottenByAReset() throws Exception {
        plug(Board.SMARTARRAY5I, "unit1.file", "common", "unit1.size", "1M", "unit1.shared", "true");
        for (int target : List.of(0, 1)) {
            assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.RESERVE, target, 0, null).await());
            assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.RELEASE, target, 0, null).await());
        }
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.RESERVE, 1, 0, null).await());
        kernel.replace(false);
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.RESERVE, 1, 0, null).await()); // the driver takes the unit attention
    }

    @Test
    void faultsAreErrorsOrRepeated() throws Exception {
        plug(Board.SMARTARRAY5I);
        model.faults().fail(1, Faults.Fault.MEDIUM);
        assertEquals(BlockResult.READ_ERROR, kernel.start(BlockOperation.READ, 0, 0, new byte[512]).await());
        model.faults().fail(1, Faults.Fault.MEDIUM);
        assertEquals(BlockResult.WRITE_ERROR, kernel.start(BlockOperation.WRITE, 0, 0, new byte[512]).await());
        Random random = new Random(2);
        compareWithFile(exercise(random, 50, () -> {
            Faults.Fault fault = random.nextBoolean() ? Faults.Fault.BUSY : Faults.Fault.HARDWARE;
            model.faults().fail(1 + random.nextInt(DEPTH), fault);
        }));
        assertTrue(kernel.statistics().get("errors") > 20);
        assertEquals(0, kernel.recoveries());
    }

    @Test
    void aCommandThatHangsIsAborted() throws Exception {
        plug(Board.SMARTARRAY5I);
        kernel.attempts(1);
        model.faults().hold();
        SmallKernel.Job job = kernel.start(BlockOperation.READ, 0, 0, new byte[512]);
        assertEquals(BlockResult.TIMEOUT, job.await());
        model.faults().release();
        assertEquals(0, kernel.recoveries());
        assertEquals(1, kernel.statistics().get("aborts"));
        assertEquals(BlockResult.GOOD, kernel.start(BlockOperation.READ, 0, 0, new byte[512]).await());
    }

    @Test
    void aReplyThatIsLostCostsAResetAndNothingElse() throws Exception {
        plug(Board.SMARTARRAY5I);
        model.faults().fail(DEPTH / 2, Faults.Fault.LOST);
        compareWithFile(exercise(new Random(3), 3, () -> { }));
        assertEquals(1, kernel.recoveries());
    }

    @Test
    void aLockupCostsAResetAndNothingElse() throws Exception {
        plug(Board.SMARTARRAY641);
        boolean[] once = {true};
        compareWithFile(exercise(new Random(4), 3, () -> {
            if (once[0]) model.faults().lockUp();
            once[0] = false;
        }));
        assertEquals(1, kernel.recoveries());
    }

    @Test
    void driversAreReplacedUnderLoad() throws Exception {
        plug(Board.SMARTARRAY5I);
        Random random = new Random(5);
        compareWithFile(exercise(random, 40, () -> kernel.replace(random.nextInt(4) > 0)));
        assertEquals(0, kernel.recoveries());
    }
}
