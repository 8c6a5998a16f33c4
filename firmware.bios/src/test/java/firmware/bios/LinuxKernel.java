package firmware.bios;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** A hand-made file in Linux's boot format: nothing but its header is real. */
final class LinuxKernel {
    private final ByteBuffer file;

    /** As a recent i386 kernel: protocol 2.15, relocatable, wants to run at 16 MiB, two sectors of set-up. */
    LinuxKernel(int codeBytes) {
        file = ByteBuffer.allocate(3 * 512 + codeBytes).order(ByteOrder.LITTLE_ENDIAN);
        put8(0x1F1, 2).put32(0x1F4, (codeBytes + 15) / 16).put16(0x1FE, 0xAA55).put16(0x200, 0x66EB).put32(0x202, 0x53726448);
        put16(0x206, 0x20F).put8(0x211, 1).put32(0x214, 0x100000).put32(0x22C, 0x7FFFFFFF).put32(0x230, 0x1000000);
        put8(0x234, 1).put32(0x238, 2047).put32(0x258, 0x1000000).put32(0x260, 0x200000);
        for (int i = 0; i < codeBytes; i++) file.put(3 * 512 + i, (byte) (i * 7));
    }

    LinuxKernel put8(int offset, int value) {
        file.put(offset, (byte) value);
        return this;
    }

    LinuxKernel put16(int offset, int value) {
        file.putShort(offset, (short) value);
        return this;
    }

    LinuxKernel put32(int offset, int value) {
        file.putInt(offset, value);
        return this;
    }

    byte[] bytes() { return file.array(); }

    Path write(Path folder) throws IOException { return Files.write(folder.resolve("bzImage"), file.array()); }
}
