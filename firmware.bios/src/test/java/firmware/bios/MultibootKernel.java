package firmware.bios;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A hand-made 32-bit ELF with a multiboot header at byte 0x400. */
final class MultibootKernel {
    static final int HEADER = 0x400, CONTENT = 0x1000;

    private record Segment(int type, int offset, int virtual, int physical, int fileBytes, int bytes) {}

    private final ByteBuffer file = ByteBuffer.allocate(0x8000).order(ByteOrder.LITTLE_ENDIAN);
    private final List<Segment> segments = new ArrayList<>();
    int entry = 0x100010;

    MultibootKernel() {
        for (int i = CONTENT; i < file.capacity(); i++) file.put(i, (byte) (i * 11));
        flags(3);
    }

    MultibootKernel flags(int flags) {
        return put(HEADER, 0x1BADB002).put(HEADER + 4, flags).put(HEADER + 8, -(0x1BADB002 + flags));
    }

    MultibootKernel put(int offset, int value) {
        file.putInt(offset, value);
        return this;
    }

    /** Loadable, from {@code offset} of the file; virtual addresses as physical. */
    MultibootKernel segment(int offset, int address, int fileBytes, int bytes) { return segment(offset, address, address, fileBytes, bytes); }

    MultibootKernel segment(int offset, int virtual, int physical, int fileBytes, int bytes) {
        segments.add(new Segment(1, offset, virtual, physical, fileBytes, bytes));
        return this;
    }

    MultibootKernel sections(int offset, int count, int names) {
        for (int at = offset; at < offset + 40 * count && at < file.capacity(); at++) file.put(at, (byte) 0);
        return put(32, offset).half(46, 40).half(48, count).half(50, names);
    }

    MultibootKernel section(int offset, int type, int address, int at, int bytes) {
        return put(offset + 4, type).put(offset + 12, address).put(offset + 16, at).put(offset + 20, bytes);
    }

    MultibootKernel half(int offset, int value) {
        file.putShort(offset, (short) value);
        return this;
    }

    byte[] bytes() {
        put(0, 0x464C457F).half(4, 0x0101).half(6, 1).half(16, 2).half(18, 3).put(20, 1).put(24, entry).put(28, 52);
        half(40, 52).half(42, 32).half(44, segments.size());
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            int at = 52 + 32 * i;
            put(at, segment.type).put(at + 4, segment.offset).put(at + 8, segment.virtual).put(at + 12, segment.physical)
                    .put(at + 16, segment.fileBytes).put(at + 20, segment.bytes).put(at + 24, 7).put(at + 28, 0x1000);
        }
        return file.array();
    }

    Path write(Path folder) throws IOException { return Files.write(folder.resolve("kernel.elf"), bytes()); }
}
