package firmware.bios;

import java.util.Arrays;
import vmkernel.api.memory.GuestMemory;

/**
 * The 64 KiB of read-only memory at F0000, also at the end of the 4 GiB where a CPU starts: tables that a guest searches for
 * from the bottom, and at the top the little code of ours that a guest can reach.
 *
 * <p>LIMIT: there are no BIOS services (INT 10h, 13h, 15h...): every interrupt vector leads to an IRET. Guests that start by
 * the Linux or the multiboot protocol do not use them; others bring a ROM of their own ({@code boot.rom}).
 */
final class SystemRom {
    private static final int BYTES = (int) MemoryMap.ROM_BYTES;
    /** Segment that real-mode code reaches the ROM by. */
    static final int SEGMENT = (int) (MemoryMap.ROM >> 4);
    private static final int POST_ENTRY = 0xE05B; // where BIOSes have had their power-on entry since the PC
    private static final int DESCRIPTORS = 0xE100;
    /** An IRET, at the place where BIOSes have had it since the PC. */
    static final int IRET = 0xFF53;
    private static final int RESET_VECTOR = 0xFFF0;
    private static final int BUILD_DATE = 0xFFF5;
    private static final int MODEL = 0xFFFE;

    /** Linear address of the boot GDT: null, null, flat code, flat data. */
    static final long GDT = MemoryMap.ROM + DESCRIPTORS;
    static final int GDT_BYTES = 32;

    /** Types have their accessed bit set: the CPU would otherwise write it, and this is ROM. */
    private static final int[] FLAT = {
        0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0,
        0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0,
    };

    /**
     * What an INIT of the first CPU, or a jump to the reset vector, finds: go on where the guest's warm-reset vector says if
     * it asked for that in CMOS (shutdown status 0Ah or 05h), else reset the whole machine.
     */
    private static final int[] POST = {
        0xFA,                         //         cli
        0xB0, 0x8F,                   //         mov al, 8Fh         ; shutdown status, NMI masked
        0xE6, 0x70,                   //         out 70h, al
        0xE4, 0x71,                   //         in al, 71h
        0x88, 0xC4,                   //         mov ah, al
        0xB0, 0x8F,                   //         mov al, 8Fh
        0xE6, 0x70,                   //         out 70h, al
        0xB0, 0x00,                   //         mov al, 0           ; asked for once
        0xE6, 0x71,                   //         out 71h, al
        0x80, 0xFC, 0x0A,             //         cmp ah, 0Ah         ; jump through 40:67
        0x74, 0x12,                   //         je resume
        0x80, 0xFC, 0x05,             //         cmp ah, 5           ; the same, after an EOI
        0x74, 0x09,                   //         je eoi
        0xBA, 0xF9, 0x0C,             //         mov dx, 0CF9h
        0xB0, 0x06,                   //         mov al, 6           ; hard reset
        0xEE,                         //         out dx, al
        0xF4,                         // stop:   hlt
        0xEB, 0xFD,                   //         jmp stop
        0xB0, 0x20,                   // eoi:    mov al, 20h
        0xE6, 0x20,                   //         out 20h, al
        0x31, 0xC0,                   // resume: xor ax, ax
        0x8E, 0xD8,                   //         mov ds, ax
        0xFF, 0x2E, 0x67, 0x04,       //         jmp far [467h]
    };

    private final byte[] image = new byte[BYTES];
    private int next;

    SystemRom() {
        put(POST_ENTRY, POST);
        put(DESCRIPTORS, FLAT);
        put(IRET, 0xCF);
        put(RESET_VECTOR, 0xEA, POST_ENTRY & 0xFF, POST_ENTRY >> 8, SEGMENT & 0xFF, SEGMENT >> 8); // jmp far
        put(BUILD_DATE, "01/01/24".chars().toArray());
        put(MODEL, 0xFC); // AT
    }

    private void put(int offset, int... values) {
        for (int i = 0; i < values.length; i++) image[offset + i] = (byte) values[i];
    }

    /** The address that the next {@link #place} with this alignment will give. */
    long nextAddress(int alignment) { return MemoryMap.ROM + next + Math.floorMod(-next, alignment); }

    /** Puts a table into the ROM; its guest-physical address. */
    long place(byte[] table, int alignment) {
        long address = nextAddress(alignment);
        int offset = (int) (address - MemoryMap.ROM);
        if (offset + table.length > POST_ENTRY) throw new IllegalStateException("the tables are larger than the ROM");
        System.arraycopy(table, 0, image, offset, table.length);
        next = offset + table.length;
        return address;
    }

    /** Shows the ROM to the guest at both of its addresses. */
    void map(GuestMemory memory) {
        memory.mapRom(MemoryMap.ROM, image);
        memory.mapRom(MemoryMap.GIB4 - BYTES, image);
    }

    byte[] image() { return Arrays.copyOf(image, BYTES); }
}
