package firmware.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.monitor.CpuState;

/** Where a ROM image of the user's is seen. */
class RomLoaderTest {
    @TempDir Path folder;

    private byte[] image(int bytes) throws Exception {
        byte[] image = new byte[bytes];
        new Random(bytes).nextBytes(image);
        Files.write(folder.resolve("rom.bin"), image);
        return image;
    }

    private FakeMachine machine() { return new FakeMachine(folder, 4).with("boot.rom", "rom.bin"); }

    @Test
    void theCpuStartsAtItsResetVector() throws Exception {
        image(65536);
        CpuState state = machine().boot();
        assertEquals(0xFFF0, state.rip);
        assertEquals(0xFFFF0000L, state.segments[CpuState.CS].base());
        assertEquals(0, state.cr0 & 1);
    }

    @Test
    void anImageOfAnySizeEndsAtTheEndOfFourGibibytesAndAtOneMebibyte() throws Exception {
        for (int bytes : new int[] {16, 100, 4096, 4097, 65536, 100_000, 131072, 131073, 262144, 1 << 24}) {
            byte[] image = image(bytes);
            FakeMachine machine = machine();
            machine.boot();
            assertArrayEquals(image, machine.memory.bytes((1L << 32) - bytes, bytes), bytes + " bytes at 4 GiB");
            int low = Math.min(bytes, 131072);
            assertArrayEquals(Arrays.copyOfRange(image, bytes - low, bytes), machine.memory.bytes(0x100000 - low, low), bytes + " bytes at 1 MiB");
            assertEquals(0xFF, machine.memory.read((1L << 32) - bytes - 1, 1), "below the image");
        }
    }

    @Test
    void bothPlacesAreReadOnly() throws Exception {
        byte[] image = image(8192);
        FakeMachine machine = machine();
        machine.boot();
        machine.memory.write(0xFFFF0, 4, 0x12345678);
        machine.memory.write(0xFFFFFFF0L, 4, 0x12345678);
        byte[] end = Arrays.copyOfRange(image, 8192 - 16, 8192);
        assertArrayEquals(end, machine.memory.bytes(0xFFFF0, 16));
        assertArrayEquals(end, machine.memory.bytes(0xFFFFFFF0L, 16));
    }

    @Test
    void imagesThatAreTooSmallOrTooLargeAreRefusedWithTheirSize() throws Exception {
        image(15);
        assertEquals("boot.rom: " + folder.resolve("rom.bin") + ": has 15 bytes; a ROM has from 16 bytes to 16 MB", machine().failure());
        image((1 << 24) + 1);
        assertEquals("boot.rom: " + folder.resolve("rom.bin") + ": has 16777217 bytes; a ROM has from 16 bytes to 16 MB", machine().failure());
    }
}
