package firmware.bios.tables;

import java.util.Arrays;
import java.util.List;

/**
 * A piece of ACPI machine language [ACPI] 19 (AML): terms that nest as they do in ASL source. Constants take their shortest form,
 * so that a compiler makes the same bytes of the same source. Immutable.
 */
public final class Aml {
    /** Address spaces of an operation region. */
    public static final int SYSTEM_IO = 1, PCI_CONFIG = 2;
    /** The target of an operation whose result is only used where it stands. */
    public static final Aml NOWHERE = op(0x00);

    private final byte[] bytes;

    private Aml(byte[] bytes) { this.bytes = bytes; }

    public byte[] bytes() { return bytes.clone(); }

    private static Aml op(int... values) {
        Bytes out = new Bytes();
        for (int value : values) out.u8(value);
        return new Aml(out.toArray());
    }

    private static Aml join(Aml... parts) {
        Bytes out = new Bytes();
        for (Aml part : parts) out.bytes(part.bytes);
        return new Aml(out.toArray());
    }

    public static Aml all(List<Aml> parts) { return join(parts.toArray(Aml[]::new)); }

    /** An opcode, its length, and what it holds. */
    private static Aml block(Aml opcode, Aml... content) {
        byte[] body = join(content).bytes;
        return new Aml(new Bytes().bytes(opcode.bytes).bytes(length(body.length, true)).bytes(body).toArray());
    }

    /** PkgLength [ACPI] 19.2.4: 6 bits, or 4 bits and up to three more bytes. @param self whether its own bytes count */
    private static byte[] length(int length, boolean self) {
        if (length + (self ? 1 : 0) < 0x40) return new byte[] {(byte) (length + (self ? 1 : 0))};
        int more = 1;
        while (length + (self ? 1 + more : 0) >= 1 << 4 + 8 * more) more++;
        int value = length + (self ? 1 + more : 0);
        byte[] bytes = new byte[1 + more];
        bytes[0] = (byte) (more << 6 | value & 0xF);
        for (int i = 1; i <= more; i++) bytes[i] = (byte) (value >> 8 * i - 4);
        return bytes;
    }

    // Names and values

    /** A name as ASL writes it: {@code \_SB.PCI0.ISA}; segments are filled up with underscores. */
    public static Aml path(String path) {
        int start = 0;
        Bytes out = new Bytes();
        while (start < path.length() && "\\^".indexOf(path.charAt(start)) >= 0) out.u8(path.charAt(start++));
        String[] segments = path.substring(start).split("\\.");
        if (segments.length == 2) out.u8(0x2E);
        if (segments.length > 2) out.u8(0x2F).u8(segments.length);
        for (String segment : segments) out.text(segment + "_".repeat(4 - segment.length()));
        return new Aml(out.toArray());
    }

    public static Aml number(long value) {
        Bytes out = new Bytes();
        if (value == 0 || value == 1) out.u8(value);
        else if (value >>> 8 == 0) out.u8(0x0A).u8(value);
        else if (value >>> 16 == 0) out.u8(0x0B).u16(value);
        else if (value >>> 32 == 0) out.u8(0x0C).u32(value);
        else out.u8(0x0E).u64(value);
        return new Aml(out.toArray());
    }

    /** A Plug and Play id such as PNP0A03, packed into a number [ACPI] 18.5.33 (EISAID). */
    public static Aml eisaId(String id) {
        int letters = id.charAt(0) - 0x40 << 10 | id.charAt(1) - 0x40 << 5 | id.charAt(2) - 0x40;
        return number(Integer.toUnsignedLong(Integer.reverseBytes(letters << 16 | Integer.parseInt(id.substring(3), 16))));
    }

    public static Aml buffer(byte[] content) { return block(op(0x11), number(content.length), new Aml(content)); }

    public static Aml pack(Aml... elements) { return block(op(0x12), op(elements.length), join(elements)); }

    public static Aml pack(List<Aml> elements) { return pack(elements.toArray(Aml[]::new)); }

    public static Aml arg(int number) { return op(0x68 + number); }

    public static Aml local(int number) { return op(0x60 + number); }

    // Declarations

    public static Aml name(String name, Aml value) { return join(op(0x08), path(name), value); }

    public static Aml scope(String name, Aml... content) { return block(op(0x10), path(name), join(content)); }

    public static Aml device(String name, Aml... content) { return block(op(0x5B, 0x82), path(name), join(content)); }

    /** @param id as in the MADT; there is no processor register block */
    public static Aml processor(String name, int id) { return block(op(0x5B, 0x83), path(name), op(id, 0, 0, 0, 0, 0)); }

    /** A method that may run on one thread at a time, so that it may declare names. @param args 0 to 7 */
    public static Aml method(String name, int args, Aml... body) { return block(op(0x14), path(name), op(args | 8), join(body)); }

    public static Aml region(String name, int space, int offset, int bytes) {
        return join(op(0x5B, 0x80), path(name), op(space), number(offset), number(bytes));
    }

    /** Fields of a byte each, one after another from the start of a region. */
    public static Aml byteFields(String region, List<String> names) {
        Bytes fields = new Bytes();
        for (String name : names) fields.bytes(path(name).bytes).bytes(length(8, false));
        return block(op(0x5B, 0x81), path(region), op(1), new Aml(fields.toArray())); // byte access, no lock, preserve
    }

    public static Aml wordField(Aml buffer, int offset, String name) { return join(op(0x8B), buffer, number(offset), path(name)); }

    // Statements and expressions

    public static Aml store(Aml value, Aml target) { return join(op(0x70), value, target); }

    public static Aml and(Aml left, Aml right, Aml target) { return join(op(0x7B), left, right, target); }

    public static Aml or(Aml left, Aml right, Aml target) { return join(op(0x7D), left, right, target); }

    public static Aml shiftLeft(Aml value, Aml count, Aml target) { return join(op(0x79), value, count, target); }

    /** 1 for bit 0, 2 for bit 1... of the lowest bit that is set; 0 if there is none. */
    public static Aml findSetRightBit(Aml value, Aml target) { return join(op(0x82), value, target); }

    public static Aml decrement(Aml target) { return join(op(0x76), target); }

    public static Aml when(Aml condition, Aml... body) { return block(op(0xA0), condition, join(body)); }

    public static Aml give(Aml value) { return join(op(0xA4), value); }

    // Resource descriptors [ACPI] 6.4

    /** A resource template: a buffer of descriptors and an end tag. */
    public static Aml resources(Aml... descriptors) { return buffer(join(join(descriptors), op(0x79, 0)).bytes); }

    public static Aml io(int port, int count) {
        return new Aml(new Bytes().u8(0x47).u8(1).u16(port).u16(port).u8(1).u8(count).toArray());
    }

    /** An edge-triggered interrupt of the ISA bus. */
    public static Aml irq(int number) { return new Aml(new Bytes().u8(0x22).u16(1L << number).toArray()); }

    /** Level-triggered, active low, shared: one of the interrupts in a mask. */
    public static Aml pciIrq(int mask) { return new Aml(new Bytes().u8(0x23).u16(mask).u8(0x18).toArray()); }

    public static Aml dmaChannel(int number) { return new Aml(new Bytes().u8(0x2A).u8(1 << number).u8(0).toArray()); }

    public static Aml busNumbers(int first, int last) { return addresses16(2, 0, first, last); }

    public static Aml ioWindow(int first, int last) { return addresses16(1, 3, first, last); }

    /** Fixed at both ends, decoded positively; @param kind 1 I/O, 2 bus numbers */
    private static Aml addresses16(int kind, int flags, int first, int last) {
        return new Aml(new Bytes().u8(0x88).u16(13).u8(kind).u8(0x0C).u8(flags).u16(0).u16(first).u16(last).u16(0).u16(last - first + 1L).toArray());
    }

    /** Memory of PCI devices, not cacheable, read and write. */
    public static Aml memoryWindow(long first, long last) {
        return new Aml(new Bytes().u8(0x87).u16(23).u8(0).u8(0x0C).u8(1).u32(0).u32(first).u32(last).u32(0).u32(last - first + 1).toArray());
    }

    @Override
    public boolean equals(Object other) { return other instanceof Aml aml && Arrays.equals(bytes, aml.bytes); }

    @Override
    public int hashCode() { return Arrays.hashCode(bytes); }
}
