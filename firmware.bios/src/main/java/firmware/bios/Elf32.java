package firmware.bios;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import vmkernel.api.firmware.BootException;

/**
 * What a loader needs of a 32-bit little-endian x86 executable [ELF] "Program Loading".
 *
 * @param entry physical address of the first instruction
 * @param segments those that take memory
 * @param sections the section header table, or empty if there is none that lies within the file
 */
record Elf32(long entry, List<Segment> segments, List<byte[]> sections, int sectionNames) {
    private static final int HEADER_BYTES = 52, PROGRAM_HEADER_BYTES = 32, SECTION_HEADER_BYTES = 40;
    private static final int LOAD = 1, EXECUTABLE = 2, X86 = 3;

    /** {@code fileBytes} bytes at {@code offset} of the file go to physical {@code start}; the rest up to {@code end} is zero. */
    record Segment(long offset, long fileBytes, long start, long end) {}

    /** True if it is ELF of any kind. */
    static boolean looksLike(byte[] head) {
        return head.length >= 4 && head[0] == 0x7F && head[1] == 'E' && head[2] == 'L' && head[3] == 'F';
    }

    static Elf32 read(BootFile file) throws BootException {
        ByteBuffer header = little(file.bytes(0, HEADER_BYTES));
        if (header.get(4) == 2) throw file.fault("is a 64-bit ELF; multiboot needs a 32-bit one (objcopy -O elf32-i386 makes it)");
        if (header.get(4) != 1 || header.get(5) != 1) throw file.fault("is not a 32-bit little-endian ELF");
        if (header.getShort(18) != X86) throw file.fault("is an ELF for another processor (machine " + header.getShort(18) + ", 3 is x86)");
        if (header.getShort(16) != EXECUTABLE) throw file.fault("is an ELF but not an executable (type " + header.getShort(16) + ", 2 is needed)");
        int count = header.getShort(44) & 0xFFFF;
        if (count == 0) throw file.fault("has no program headers: it has not been linked");
        if (header.getShort(42) != PROGRAM_HEADER_BYTES) throw file.fault("is a damaged ELF: program headers of " + header.getShort(42) + " bytes");
        ByteBuffer table = little(file.bytes(header.getInt(28) & 0xFFFF_FFFFL, count * PROGRAM_HEADER_BYTES));
        long entry = header.getInt(24) & 0xFFFF_FFFFL, physicalEntry = entry;
        List<Segment> segments = new ArrayList<>();
        for (int at = 0; at < table.capacity(); at += PROGRAM_HEADER_BYTES) {
            long offset = unsigned(table, at + 4), virtual = unsigned(table, at + 8), physical = unsigned(table, at + 12);
            long fileBytes = unsigned(table, at + 16), bytes = unsigned(table, at + 20);
            if (table.getInt(at) != LOAD || bytes == 0) continue;
            if (fileBytes > bytes) throw file.fault("is a damaged ELF: a segment has " + fileBytes + " bytes in the file but " + bytes + " in memory");
            if (offset + fileBytes > file.size()) {
                throw file.fault("is truncated: a segment ends at byte " + (offset + fileBytes) + ", the file has " + file.size());
            }
            segments.add(new Segment(offset, fileBytes, physical, physical + bytes));
            // The entry point is a virtual address; no paging is on when it is used.
            if (entry >= virtual && entry < virtual + bytes) physicalEntry = entry - virtual + physical;
        }
        if (segments.isEmpty()) throw file.fault("has no segment to load");
        return new Elf32(physicalEntry, List.copyOf(segments), sections(file, header), header.getShort(50) & 0xFFFF);
    }

    /** Sections are not needed to start: a table that cannot be read is as good as none. */
    private static List<byte[]> sections(BootFile file, ByteBuffer header) throws BootException {
        long offset = unsigned(header, 32);
        int count = header.getShort(48) & 0xFFFF;
        if (offset == 0 || header.getShort(46) != SECTION_HEADER_BYTES || offset + (long) count * SECTION_HEADER_BYTES > file.size()) return List.of();
        List<byte[]> sections = new ArrayList<>();
        for (int i = 0; i < count; i++) sections.add(file.bytes(offset + (long) i * SECTION_HEADER_BYTES, SECTION_HEADER_BYTES));
        return sections;
    }

    static ByteBuffer little(byte[] bytes) { return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN); }

    static long unsigned(ByteBuffer from, int offset) { return from.getInt(offset) & 0xFFFF_FFFFL; }
}
