package devices.pc.scsi;

import devices.pc.TestMachine;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.Random;
import vmkernel.api.storage.BlockResult;

/** A guest that keeps a SCSI adapter busy and notes all that it sees. Two of the same seed do the same as long as they see the same. */
final class BusyScsiGuest {
    private static final int COMMANDS = 64, AREA = 0x2000;
    private static final String[] WITHOUT_DATA = {"35000000000000000000", "000000000000", "FF0000000000", "2F000000000000000400"};
    private static final BlockResult[] RESULTS = {BlockResult.READ_ERROR, BlockResult.TIMEOUT, BlockResult.GONE, BlockResult.NO_SPACE};

    final TestMachine pc = TestMachine.board();
    final FakeDisk[] disks = {new FakeDisk(200).filled(1), new FakeDisk(64).filled(2)};
    final ScsiDriver driver;
    private final Random random;
    private final BitSet busy = new BitSet();
    private final StringBuilder seen = new StringBuilder();

    BusyScsiGuest(String type, long seed) {
        random = new Random(seed);
        pc.disks.put("scsi0", Map.of(0, disks[0], 3, disks[1]));
        pc.add(type, "scsi0");
        driver = driverOf(type, pc).start();
    }

    static ScsiDriver driverOf(String type, TestMachine pc) { return type.endsWith("lsilogic") ? new LsiDriver(pc) : new BusDriver(pc, 200); }

    /** Does one thing. @return all that it saw of it */
    String step() {
        seen.setLength(0);
        int what = random.nextInt(100);
        if (what < 40) send();
        else if (what < 70) end();
        else if (what < 85) take();
        else if (what < 98) seen.append(driver.otherwise(random));
        else if (what < 99) restart();
        for (FakeDisk disk : disks) disk.pending.forEach(request -> seen.append(request.operation()).append(request.tag()).append(' ').append(request.block()));
        return seen.append(Arrays.toString(pc.lines)).append(pc.misuses).toString();
    }

    private void send() {
        int number = busy.nextClearBit(0);
        if (number >= COMMANDS) return;
        busy.set(number);
        int target = new int[] {0, 0, 0, 3, 3, 5, 7, 20}[random.nextInt(8)], block = random.nextInt(70), count = random.nextInt(8);
        long address = LsiDriver.DATA + (long) number * AREA;
        byte[] data = new byte[count * 512];
        random.nextBytes(data);
        pc.guestMemory.write(address, data, 0, data.length);
        switch (random.nextInt(6)) {
            case 0, 1 -> driver.send(number, target, String.format("2800%08x00%04x00", block, count), false, address, count * 512);
            case 2 -> driver.send(number, target, String.format("2A%02x%08x00%04x00", random.nextInt(2) * 8, block, count), true, address, count * 512);
            case 3 -> driver.send(number, target, "120000002400", false, address, random.nextInt(100));
            case 4 -> driver.send(number, target, String.format("2800%08x00%04x00", block, count), false, address, random.nextInt(8) * 512);
            default -> driver.send(number, target, WITHOUT_DATA[random.nextInt(4)], false, 0, 0);
        }
    }

    private void end() {
        FakeDisk disk = disks[random.nextInt(2)];
        if (disk.pending.isEmpty()) return;
        FakeDisk.Request request = disk.pending.get(random.nextInt(disk.pending.size()));
        disk.end(request, random.nextInt(10) == 0 ? RESULTS[random.nextInt(RESULTS.length)] : BlockResult.GOOD);
    }

    private void take() {
        seen.append(driver.take(number -> {
            if (number >= COMMANDS || !busy.get(number)) return;
            busy.clear(number);
            byte[] area = new byte[AREA / 2];
            pc.guestMemory.read(LsiDriver.DATA + (long) number * AREA, area, 0, area.length);
            seen.append(Arrays.hashCode(area)).append(' ');
        }));
    }

    private void restart() {
        driver.start();
        busy.clear();
    }

    /** Proves that the adapter works, whatever state it is in. */
    void verify() {
        restart();
        disks[0].reset();
        disks[0].immediate = true;
        for (int i = 0; i < 3; i++) driver.send(0, 0, "28000000000100000100", false, LsiDriver.DATA, 512); // the first meets unit attentions
        driver.take(number -> { });
        disks[0].immediate = false;
        byte[] data = new byte[512];
        pc.guestMemory.read(LsiDriver.DATA, data, 0, 512);
        if (!Arrays.equals(data, Arrays.copyOfRange(disks[0].content, 512, 1024))) throw new AssertionError("block 1 was not read");
    }

    int contents() { return Arrays.hashCode(disks[0].content) * 31 + Arrays.hashCode(disks[1].content); }
}
