package devices.pc.handover;

import devices.pc.TestMachine;
import devices.pc.net.PcnetDriver;
import java.util.Arrays;
import java.util.Random;

/** The busy guest's network: a driver at work, a network full of frames, and garbage. */
final class BusyNetwork {
    private final TestMachine pc;
    private final Random random;
    private final PcnetDriver driver;

    BusyNetwork(TestMachine pc, Random random) {
        this.pc = pc;
        this.random = random;
        driver = new PcnetDriver(pc);
    }

    /** @return all that the guest and the network saw */
    String step() {
        switch (random.nextInt(14)) {
            case 0 -> {
                if (random.nextInt(4) == 0) restart();
            }
            case 1, 2, 3 -> {
                for (int i = random.nextInt(4); i >= 0; i--) driver.wire.arrive(frame());
            }
            case 4, 5, 6 -> {
                for (int i = random.nextInt(3); i > 0; i--) driver.queue(frame(), random.nextInt(4) << 12 & 0x3000);
                if (random.nextInt(4) != 0) driver.demand();
            }
            case 7 -> driver.queuePart(frame(), random.nextInt(0x10) << 12 | random.nextInt(4) << 8);
            case 8 -> driver.csr(0, random.nextInt(16) == 0 ? random.nextInt(0x10000) : 0x7F48 & random.nextInt(0x10000));
            case 9 -> driver.csr(new int[] {2, 3, 4, 5, 5, 5, 8, 9, 12, 15, 47, 72, 74, 58, 112, random.nextInt(128)}[random.nextInt(16)], random.nextInt(0x10000) & random.nextInt(0x10000));
            case 10 -> driver.csr(5, random.nextInt(2));
            case 11 -> driver.bcr(random.nextInt(32), random.nextInt(0x10000));
            case 12 -> {
                if (random.nextInt(8) == 0) { // it has to wait for its initialization block
                    pc.pci(driver.slot, 0, 4, 3);
                    driver.start();
                } else if (random.nextInt(8) == 0) pc.pci(driver.slot, 0, new int[] {4, 0x10, 0x14, 0x3C}[random.nextInt(4)], random.nextInt());
                else driver.enable();
            }
            default -> {
                if (random.nextInt(20) == 0) {
                    pc.device("ethernet0").reset();
                    driver.wide = false;
                }
            }
        }
        return look();
    }

    private void restart() {
        driver.enable();
        if (random.nextInt(4) == 0) driver.makeWide();
        driver.style = random.nextInt(4);
        driver.mode = random.nextInt(3) == 0 ? random.nextInt(0x10000) & 0xE04F : 0;
        driver.multicasts = random.nextLong();
        driver.bufferBytes = random.nextInt(3) == 0 ? 64 + random.nextInt(200) : 1536;
        driver.start();
    }

    private byte[] frame() {
        byte[] frame = new byte[14 + random.nextInt(random.nextInt(8) == 0 ? 1500 : 100)];
        random.nextBytes(frame);
        switch (random.nextInt(4)) {
            case 0 -> Arrays.fill(frame, 0, 6, (byte) 0xFF);
            case 1 -> frame[0] = 1;
            default -> System.arraycopy(driver.wire.address().bytes(), 0, frame, 0, 6);
        }
        frame[12] = (byte) random.nextInt(9);
        return frame;
    }

    private String look() {
        StringBuilder seen = new StringBuilder();
        for (int number : new int[] {0, 3, 4, 5, 15, 72, 74, 112, random.nextInt(128)}) seen.append(Integer.toHexString(driver.csr(number))).append(' ');
        seen.append(driver.bcr(random.nextInt(32))).append(' ').append(driver.wire.sent.size()).append(driver.wire.batches.size());
        if (!driver.wire.sent.isEmpty()) seen.append(Arrays.hashCode(driver.wire.sent.get(driver.wire.sent.size() - 1)));
        if (random.nextInt(3) == 0) for (byte[] frame : driver.receive()) seen.append(Arrays.hashCode(frame)).append(' ');
        return seen.append(driver.wire.own).append(driver.wire.filter).toString();
    }
}
