package host.sim.nic;

import java.util.Arrays;
import vmkernel.api.net.MacAddress;

/**
 * A 93C46 serial EEPROM of 64 words behind the EEPROM control register [8255x] 6.3.4, [93C46]. A word is written at once when
 * chip select falls. One thread at a time.
 */
final class Eeprom93c46 {
    static final int WORDS = 64, CHECKSUM = 0xBABA;

    private static final int SK = 0x01, CS = 0x02, DI = 0x04, DO = 0x08;
    private static final int COMMAND_BITS = 9, WORD_BITS = 16; // start bit, two of opcode, six of address
    private static final int READ = 2, WRITE = 1, ERASE = 3;
    private static final int DISABLE = 0, WRITE_ALL = 1, ERASE_ALL = 2, ENABLE = 3; // the upper address bits under opcode 0

    private final int[] words = new int[WORDS];
    private boolean writable;
    private int lines;           // what the register was written with last
    private int command, data;   // shifted in
    private int clocks;          // bits since the start bit, with it
    private boolean out = true;

    /** @param board subsystem device id */
    Eeprom93c46(MacAddress address, int board) {
        byte[] bytes = address.bytes();
        for (int i = 0; i < 3; i++) words[i] = bytes[2 * i] & 0xFF | (bytes[2 * i + 1] & 0xFF) << 8;
        words[0x03] = 0x0203; // works with drivers for half and full duplex
        words[0x05] = 0x0201; // RJ-45; controller of the 82558 kind or later
        words[0x06] = 0x4701; // an 82555 PHY at address 1
        words[0x0A] = 0x4000; // the ids below are valid; no wake on LAN
        words[0x0B] = board;
        words[0x0C] = 0x8086;
        int sum = 0;
        for (int word : words) sum += word;
        words[WORDS - 1] = CHECKSUM - sum & 0xFFFF;
    }

    /** The address in words 0 to 2, as {@link MacAddress#bits}. */
    long address() {
        long bits = 0;
        for (int i = 0; i < 3; i++) bits = bits << 16 | (words[i] & 0xFF) << 8 | words[i] >> 8;
        return bits;
    }

    /** The control register. */
    int control() { return lines | (out ? DO : 0); }

    void control(int value) {
        boolean rises = (value & ~lines & SK) != 0;
        lines = value & (SK | CS | DI);
        if ((value & CS) == 0) deselect();
        else if (rises) clock((value & DI) != 0 ? 1 : 0);
    }

    private void clock(int in) {
        if (clocks == 0 && in == 0) return; // still waits for the start bit
        if (clocks < COMMAND_BITS) {
            command = command << 1 | in;
            if (++clocks == COMMAND_BITS && opcode() == READ) out = false; // so software finds out how many address bits there are
        } else if (opcode() == READ) {
            int bit = clocks++ - COMMAND_BITS & WORDS * WORD_BITS - 1; // goes on with the next word for as long as it is clocked
            out = (words[wordAddress() + bit / WORD_BITS & WORDS - 1] >> 15 - bit % WORD_BITS & 1) != 0;
        } else if (clocks < COMMAND_BITS + WORD_BITS) {
            data = data << 1 | in;
            clocks++;
        }
    }

    private int opcode() { return command >> 6 & 3; }

    private int wordAddress() { return command & WORDS - 1; }

    private void deselect() {
        if (clocks >= COMMAND_BITS && opcode() != READ) execute();
        command = data = clocks = 0;
        out = true;
    }

    private void execute() {
        boolean whole = clocks == COMMAND_BITS + WORD_BITS;
        switch (opcode()) {
            case WRITE -> { if (whole && writable) words[wordAddress()] = data & 0xFFFF; }
            case ERASE -> { if (writable) words[wordAddress()] = 0xFFFF; }
            default -> special(whole);
        }
    }

    private void special(boolean whole) {
        switch (wordAddress() >> 4) {
            case DISABLE -> writable = false;
            case ENABLE -> writable = true;
            case WRITE_ALL -> { if (whole && writable) Arrays.fill(words, data & 0xFFFF); }
            case ERASE_ALL -> { if (writable) Arrays.fill(words, 0xFFFF); }
            default -> { }
        }
    }
}
