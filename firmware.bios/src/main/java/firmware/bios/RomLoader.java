package firmware.bios;

import java.util.Arrays;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.CpuState;

/**
 * Starts the machine from a ROM image of the user's: its end is at the end of the 4 GiB, its last 128 KiB also end at 1 MiB, both
 * read-only, and the CPU starts at its reset vector [SDM] 3A 9.1.4. The board is left as reset leaves it: the ROM is the firmware. An image whose size is not a multiple of a page has 0xFF
 * below its first byte.
 *
 * <p>LIMIT: the copy below 1 MiB cannot be made writable (the host bridge's PAM registers), so a BIOS that shadows itself
 * into RAM does not run.
 */
final class RomLoader {
    private static final long LEAST = 16, MOST = 16 * MemoryMap.MIB, LOW_WINDOW = 128 * MemoryMap.KIB;

    private final GuestMemory memory;

    RomLoader(GuestMemory memory) { this.memory = memory; }

    CpuState load(BootFile file) throws BootException {
        if (file.size() < LEAST || file.size() > MOST) {
            throw file.fault("has " + file.size() + " bytes; a ROM has from " + LEAST + " bytes to " + MOST / MemoryMap.MIB + " MB");
        }
        byte[] image = padded(file.bytes(0, (int) file.size()));
        byte[] low = Arrays.copyOfRange(image, (int) Math.max(0, image.length - LOW_WINDOW), image.length);
        memory.mapRom(MemoryMap.GIB4 - image.length, image);
        memory.mapRom(MemoryMap.MIB - low.length, low);
        return CpuState.reset();
    }

    private static byte[] padded(byte[] image) {
        int missing = Math.floorMod(-image.length, GuestMemory.PAGE_SIZE);
        byte[] padded = new byte[missing + image.length];
        Arrays.fill(padded, 0, missing, (byte) 0xFF);
        System.arraycopy(image, 0, padded, missing, image.length);
        return padded;
    }
}
