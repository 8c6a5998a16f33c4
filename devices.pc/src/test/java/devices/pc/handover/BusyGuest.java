package devices.pc.handover;

import devices.pc.TestMachine;
import devices.pc.chipset.Board440bx;
import java.util.Arrays;
import java.util.Random;
import vmkernel.api.device.DeviceContext;

/**
 * A guest that uses everything on its board, half of it with a purpose and half of it at random, and notes all that it sees.
 * Two of the same seed do the same as long as they see the same.
 */
final class BusyGuest {
    private static final int[] PORTS = {0x00, 16, 0x20, 2, 0x40, 4, 0x60, 2, 0x64, 1, 0x70, 2, 0x80, 16, 0x92, 1, 0xA0, 2, 0xB2, 2, 0xC0, 32, 0xE9, 1,
        0xF0, 4, 0x2F8, 8, 0x3F8, 8, 0x4D0, 2, 0xCF8, 8, 0x1000, 64};
    private static final int[] DEVICE_LINES = {5, 10, 11, 16, 17, 18, 19};
    private static final long IO_APIC = 0xFEC0_0000L, LOCAL_APIC = 0xFEE0_0000L;

    final TestMachine pc = new TestMachine(2, 16 << 20);
    private final Random random;
    private final DeviceContext neighbour = pc.context("neighbour"); // a device of another bundle
    private final BusyNetwork network;
    private final StringBuilder seen = new StringBuilder();

    BusyGuest(long seed) {
        random = new Random(seed);
        pc.add("440bx", "board");
        pc.add("uart", "serial0");
        pc.add("uart", "serial1");
        pc.add("debugcon", "debugcon");
        pc.add("debugexit", "debugexit");
        network = new BusyNetwork(pc, random);
        pc.pics();
    }

    /** Does one thing. @return all that it saw of it */
    String step() {
        seen.setLength(0);
        switch (random.nextInt(19)) {
            case 0, 1 -> anyPort();
            case 2 -> interruptControllers();
            case 3 -> intervalTimer();
            case 4 -> clock();
            case 5 -> keyboardAndMouse();
            case 6, 7 -> serialPort();
            case 8 -> localApic();
            case 9 -> ioApic();
            case 10 -> lines();
            case 11 -> power();
            case 12 -> configuration();
            case 13, 14, 15 -> seen.append(network.step());
            default -> time();
        }
        note(pc.pins.level[0] ? 1 : 0, pc.pins.level[1] ? 1 : 0, pc.pins.a20 ? 1 : 0, pc.pins.nmis[0], pc.pins.inits[0], pc.pins.startups[1]);
        note(pc.powerOffs, pc.resets, pc.pins.ignoreNumericErrors, pc.debugExit);
        return seen.append(Arrays.toString(pc.lines)).append(pc.misuses).append(output("serial0")).append(output("serial1")).append(output("debugcon")).toString();
    }

    private String output(String stream) {
        StringBuilder output = pc.streams.get(stream).output;
        return " " + output.length() + output.substring(Math.max(0, output.length() - 20));
    }

    private void note(long... values) { for (long value : values) seen.append(Long.toHexString(value)).append(' '); }

    private void out(int port, int... values) {
        pc.out(port, values);
        note(-1, port, values[0]);
    }

    private void in(int port) { note(port, pc.in(port)); }

    private int of(int... choices) { return choices[random.nextInt(choices.length)]; }

    /** Mostly bytes, and bit patterns that mean something. */
    private long value() {
        return switch (random.nextInt(4)) {
            case 0 -> 1L << random.nextInt(32);
            case 1 -> random.nextInt();
            default -> random.nextInt(256);
        };
    }

    private void anyPort() {
        int range = 2 * random.nextInt(PORTS.length / 2), port = PORTS[range] + random.nextInt(PORTS[range + 1]), bytes = 1 << random.nextInt(3);
        boolean write = random.nextInt(3) == 0;
        note(port, bytes, pc.access(false, port, bytes, write ? value() : 0, write));
    }

    private void interruptControllers() {
        switch (random.nextInt(6)) {
            case 0 -> pc.pics();
            case 1 -> out(of(0x21, 0xA1), random.nextInt(256) & random.nextInt(256));
            case 2 -> out(of(0x20, 0xA0), of(0x0A, 0x0B, 0x0C, 0x68, 0x48, 0x80, 0xC3));
            case 3 -> out(of(0x4D0, 0x4D1), random.nextInt(256));
            default -> {
                for (int port : new int[] {0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1}) in(port);
            }
        }
    }

    private void intervalTimer() {
        int counter = random.nextInt(3), access = 1 + random.nextInt(3);
        switch (random.nextInt(4)) {
            case 0 -> {
                out(0x43, counter << 6 | access << 4 | random.nextInt(16));
                for (int i = random.nextInt(3); i >= 0; i--) out(0x40 + counter, random.nextInt(256));
            }
            case 1 -> out(0x43, 0xC0 | random.nextInt(64));
            case 2 -> {
                out(0x43, 0x34);
                out(0x40, random.nextInt(256), 1 + random.nextInt(40));
            }
            default -> out(0x61, random.nextInt(4));
        }
        in(0x40 + counter);
        in(0x61);
    }

    private void clock() {
        out(0x70, of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0A, 0x0B, 0x0B, 0x0C, 0x0C, 0x0C, 0x32, 0x40) | random.nextInt(2) << 7);
        if (random.nextInt(3) == 0) out(0x71, random.nextBoolean() ? random.nextInt(0x60) : random.nextInt(256));
        else in(0x71);
        if (random.nextInt(6) != 0) return;
        out(0x70, 0x0A);
        out(0x71, 0x20 | 5 + random.nextInt(10));
        out(0x70, 0x0B);
        out(0x71, random.nextInt(8) << 4 | 2);
    }

    private void keyboardAndMouse() {
        Board440bx board = (Board440bx) pc.device("board");
        switch (random.nextInt(8)) {
            case 0, 1 -> board.keyboard().keyboard().key(1 + random.nextInt(0x7F), random.nextInt(4) == 0, random.nextBoolean());
            case 2 -> board.keyboard().mouse().move(random.nextInt(600) - 300, random.nextInt(600) - 300, random.nextInt(8));
            case 3 -> out(0x60, of(0xFE, 0xFE, 0xED, 0xEE, 0xF0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xFE, 0xFF, random.nextInt(256)));
            case 4 -> {
                out(0x64, 0xD4);
                out(0x60, of(0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xEE, 0xF0, 0xF2, 0xF3, 0xF4, 0xF4, 0xF5, 0xFF, random.nextInt(256)));
            }
            case 5 -> out(0x64, of(0x20, 0x60, 0xA7, 0xA8, 0xAD, 0xAE, 0xC0, 0xD0, 0xD1, 0xD2, 0xD3, 0xDD, 0xDF, 0x71));
            default -> { }
        }
        in(0x64);
        if (random.nextBoolean()) in(0x60);
        if (random.nextInt(10) == 0) {
            out(0x64, 0x60);
            out(0x60, 0x47);
        }
    }

    private void serialPort() {
        String name = "serial" + random.nextInt(2);
        int base = name.equals("serial0") ? 0x3F8 : 0x2F8;
        TestMachine.Stream stream = pc.streams.get(name);
        switch (random.nextInt(10)) {
            case 0 -> stream.type("abcdefghijklmnopqrstuvwxyz".substring(random.nextInt(26)));
            case 1 -> {
                stream.full = random.nextBoolean();
                if (!stream.full) stream.drain();
            }
            case 2 -> {
                out(base + 3, 3);
                out(base + 4, 0x0B | random.nextInt(8) / 7 << 4);
                out(base + 1, random.nextInt(16));
            }
            case 3 -> out(base + 2, random.nextInt(256));
            case 4 -> {
                out(base + 3, 0x83);
                out(base, 1 + random.nextInt(12), 0);
                out(base + 3, random.nextInt(0x20));
            }
            case 5, 6 -> out(base, 'A' + random.nextInt(26));
            case 7 -> { // bytes below the trigger level, and their time-out
                out(base + 3, 3);
                out(base + 4, 0x0B);
                out(base + 2, 0xC1);
                out(base + 1, 1);
                stream.type("ab");
                pc.advance(random.nextInt(6_000_000));
                in(base + 2);
            }
            default -> {
                for (int i = 0; i < 8; i++) in(base + i);
            }
        }
        in(base + 5);
    }

    private void localApic() {
        if (random.nextInt(30) == 0) pc.sink.apicBase(random.nextInt(2), random.nextInt(3) == 0 ? random.nextInt() & 0xFFFF_F900L : LOCAL_APIC | 0x900);
        if (random.nextInt(3) == 0) apic(0x0F, 0x1FF);
        switch (random.nextInt(8)) {
            case 0 -> {
                apic(0x3E, of(0, 1, 2, 3, 8, 9, 10, 11));
                apic(0x32, 0x31 | random.nextInt(4) << 16);
                apic(0x38, random.nextInt(200_000));
            }
            case 1 -> apic(0x30, 0x40 + random.nextInt(64) | of(0, 0x4_0000, 0x8_0000, 0xC_0000, 0x4500, 0x4600));
            case 2 -> apic(0x08, random.nextInt(256));
            case 3 -> apic(of(0x0B, 0x28), 0);
            case 4 -> apic(0x32 + random.nextInt(6), (int) value());
            case 5 -> {
                apic(0x0D, random.nextInt());
                apic(0x31, random.nextInt());
            }
            default -> {
                for (int register = 0; register < 0x40; register++) note(pc.read(LOCAL_APIC + 16 * register));
            }
        }
        note(pc.sink.taskPriority(0), pc.sink.taskPriority(1));
    }

    private void apic(int register, int value) { pc.write(LOCAL_APIC + 16 * register, value & 0xFFFF_FFFFL); }

    private void ioApic() {
        int pin = random.nextInt(24);
        pc.write(IO_APIC, 0x10 + 2 * pin + random.nextInt(2));
        note(pc.read(IO_APIC + 0x10));
        if (random.nextInt(3) == 0) {
            pc.write(IO_APIC, random.nextInt(3));
            note(pc.read(IO_APIC + 0x10));
            pc.write(IO_APIC + 0x10, value() << 24 & 0xFF00_0000L);
            return;
        }
        pc.write(IO_APIC, 0x10 + 2 * pin);
        pc.write(IO_APIC + 0x10, 0x50 + pin | of(0, 0, 0xA000, 0xA000, 0x8000, 0x1_0000, 0x700, 0x100));
        if (random.nextInt(10) != 0) return;
        pc.write(IO_APIC, 0x11 + 2 * pin);
        pc.write(IO_APIC + 0x10, value() << 24 & 0xFF00_0000L);
    }

    private void lines() { neighbour.interrupt(of(DEVICE_LINES)).set(random.nextBoolean()); }

    private void power() {
        switch (random.nextInt(6)) {
            case 0 -> out(0xB2, of(0xF0, 0xF1, random.nextInt(256)));
            case 1 -> pc.out16(0x1002, random.nextInt(0x10000));
            case 2 -> pc.out16(0x1000, random.nextInt(0x10000));
            case 3 -> note(pc.device("board").requestShutdown() ? 1 : 0);
            case 4 -> {
                out(0xB2, 0xF1);
                pc.out16(0x1002, 1); // the timer's overflow, every 2.3 s
                pc.out16(0x1000, 1);
            }
            default -> { }
        }
        for (int port = 0x1000; port < 0x1040; port += 4) note(pc.in32(port));
    }

    private void configuration() {
        int slot = of(0, 7), function = slot == 0 ? 0 : of(0, 3), register = of(0x04, 0x0C, 0x3C, 0x40, 0x60, 0x80, 4 * random.nextInt(64));
        note(pc.pci(slot, function, register));
        switch (random.nextInt(4)) {
            case 0 -> pc.pci(slot, function, register, value());
            case 1 -> pc.pci(7, 0, 0x60, 0x8080_8080L & random.nextInt() | 0x0B0A_0905L);
            case 2 -> pc.pci(7, 3, 0x40, random.nextBoolean() ? 0x1001 : value());
            default -> { }
        }
    }

    private void time() {
        switch (random.nextInt(6)) {
            case 0 -> pc.stall(random.nextInt(5_000_000));
            case 1, 2 -> pc.advance(random.nextInt(3_000_000));
            case 3 -> pc.advance(random.nextInt(20_000));
            case 4 -> {
                TestMachine.Stream stream = pc.streams.get("debugcon");
                stream.full = random.nextBoolean();
                if (!stream.full) stream.drain();
                out(0xE9, 'a' + random.nextInt(26));
            }
            default -> takeInterrupts();
        }
        if (random.nextInt(1000) == 0) pc.advance(random.nextInt(3_000) * TestMachine.MILLI);
        if (random.nextInt(300) == 0) for (String device : new String[] {"board", "serial0", "serial1"}) pc.device(device).reset();
    }

    private void takeInterrupts() {
        int cpu = random.nextInt(8) == 0 ? 1 : 0;
        for (int i = random.nextInt(4); i >= 0 && pc.pins.level[cpu]; i--) {
            note(-2, pc.sink.acknowledge(cpu));
            if (random.nextInt(4) != 0) {
                out(0xA0, 0x20);
                out(0x20, 0x20);
                apic(0x0B, 0);
            }
        }
    }
}
