package drivers.e100;

import java.util.Optional;

/** The serial EEPROM with the card's address: a 93C46 of 64 words or a 93C66 of 256, bit by bit. [8255x] 6.3.4. */
final class Eeprom {
    private static final int CLOCK = 0x01, SELECT = 0x02, TO_CHIP = 0x04, FROM_CHIP = 0x08;
    private static final int READ = 0b110, READ_BITS = 3, MIN_ADDRESS_BITS = 6, MAX_ADDRESS_BITS = 8, WORD_BITS = 16;
    private static final int SUM = 0xBABA;
    /** Half a clock period: the slow parts take 250 kHz. */
    private static final long HALF_CLOCK_NANOS = 2_000;

    private final Csr csr;

    private Eeprom(Csr csr) { this.csr = csr; }

    /** All words; empty if no EEPROM answers. */
    static Optional<int[]> read(Csr csr) {
        Eeprom eeprom = new Eeprom(csr);
        int addressBits = eeprom.addressBits();
        if (addressBits == 0) return Optional.empty();
        int[] words = new int[1 << addressBits];
        for (int address = 0; address < words.length; address++) words[address] = eeprom.word(address, addressBits);
        return Optional.of(words);
    }

    static boolean intact(int[] words) {
        int sum = 0;
        for (int word : words) sum += word;
        return (sum & 0xFFFF) == SUM;
    }

    /** The address in words 0 to 2, low byte first, as a number with the first byte on the wire in bits 47:40. */
    static long address(int[] words) {
        long address = 0;
        for (int i = 0; i < 3; i++) address = address << 16 | (words[i] & 0xFF) << 8 | words[i] >> 8;
        return address;
    }

    /** Data goes low after the last bit of an address: that tells how many there are. */
    private int addressBits() {
        select();
        send(READ, READ_BITS);
        int bits = 0;
        boolean answered = false;
        while (!answered && bits < MAX_ADDRESS_BITS) {
            bits++;
            answered = !clock(0);
        }
        deselect();
        return answered && bits >= MIN_ADDRESS_BITS ? bits : 0;
    }

    private int word(int address, int addressBits) {
        select();
        send(READ, READ_BITS);
        send(address, addressBits);
        int word = 0;
        for (int i = 0; i < WORD_BITS; i++) word = word << 1 | (clock(0) ? 1 : 0);
        deselect();
        return word;
    }

    private void send(int value, int bits) {
        for (int bit = bits - 1; bit >= 0; bit--) clock(value >> bit & 1);
    }

    /** One clock: the chip takes the bit and gives one at the rising edge. */
    private boolean clock(int bit) {
        int data = bit == 0 ? 0 : TO_CHIP;
        pins(SELECT | data);
        return (pins(SELECT | data | CLOCK) & FROM_CHIP) != 0;
    }

    private void select() { pins(SELECT); }

    private void deselect() {
        pins(SELECT);
        pins(0);
    }

    private int pins(int pins) {
        csr.eeprom(pins);
        int seen = csr.eeprom(); // the write has arrived when this comes back
        Csr.pause(HALF_CLOCK_NANOS);
        return seen;
    }
}
