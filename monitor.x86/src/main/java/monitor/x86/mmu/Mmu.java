package monitor.x86.mmu;

import java.util.Arrays;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.monitor.VcpuContext;

/**
 * Linear memory of one virtual CPU: TLB, page walk, and the slow paths of accesses that the TLB cannot serve. Sources: [SDM] 3A
 * 4 Paging, 4.6 Access Rights, 4.7 Page-Fault Exceptions, 4.8 Accessed and Dirty Flags.
 *
 * <p>A TLB entry is a tag (linear page address) and the distance from linear to host address. There are four sets: reads and
 * writes, each for supervisor and user accesses. A page is kept out of a set where the fast path would be wrong: device
 * memory, armed data breakpoints, and for writes pages whose code has been decoded. One thread at a time, except where said.
 */
public final class Mmu implements GuestMemory.PageListener {
    private static final int ENTRIES = 1024;
    private static final int INDEX = ENTRIES - 1;
    private static final long PAGE = ~0xFFFL;
    private static final long EMPTY = 1;
    private static final long MASK32 = 0xFFFF_FFFFL;

    private static final int P = 1, RW = 2, US = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80;
    private static final int FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_RESERVED = 8;
    /** Physical address bits that page tables may use. */
    public static final int PHYSICAL_BITS = 36;
    private static final long PHYSICAL = (1L << PHYSICAL_BITS) - 1;
    private static final long PAE_RESERVED = ~PHYSICAL & 0x7FFF_FFFF_FFFF_FFFFL | Long.MIN_VALUE;
    private static final long CR0_WP = 1 << 16, CR0_PG = 1L << 31, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5;

    /** Told of writes to decoded code, on the thread of the CPU or (for writes of devices) on any thread. */
    public interface CodeListener {
        /** Bytes of a watched page have changed. On the CPU's own thread. */
        void codeWritten(long physical, int length);

        /** Something that the CPU has to look at between two instructions has been left behind. Any thread. */
        void attend();
    }

    private final GuestMemory memory;
    private final PortBus mmio;
    private final VcpuContext context;
    private final CodeListener code;
    private final GuestFault fault;

    private final long[][] tags = {empty(), empty(), empty(), empty()};
    private final long[][] hosts = {new long[ENTRIES], new long[ENTRIES], new long[ENTRIES], new long[ENTRIES]};
    private long[] readTag = tags[0], writeTag = tags[1], readHost = hosts[0], writeHost = hosts[1];

    private final long[] fetchTag = new long[256];
    private final long[] fetchPhysical = new long[256];

    private boolean user;
    private boolean paging, writeProtect, pageSizeExtension, pae;
    private long cr3;
    private final long[] pdpte = new long[4];
    private long a20 = ~0L;

    /** Linear address of the last page fault. */
    public long cr2;
    /** Counts changes of address translation: what was derived from a translation is stale when this has changed. */
    public long epoch;

    private final long[] breakAddress = new long[4];
    private final int[] breakLength = new int[4];
    private int breakOnWrite, breakOnRead;
    /** Data breakpoints that the current instruction has hit (DR6 bits 3:0). */
    public int breakHits;

    private volatile boolean flushAsked;
    private volatile Thread owner;
    private final java.util.concurrent.ConcurrentLinkedQueue<long[]> foreignWrites = new java.util.concurrent.ConcurrentLinkedQueue<>();

    public Mmu(VcpuContext context, GuestFault fault, CodeListener code) {
        this.context = context;
        this.memory = context.memory();
        this.mmio = context.mmio();
        this.fault = fault;
        this.code = code;
        Arrays.fill(fetchTag, EMPTY);
        memory.addListener(this);
    }

    private static long[] empty() {
        long[] tags = new long[ENTRIES];
        Arrays.fill(tags, EMPTY);
        return tags;
    }

    /** Detaches from the guest's memory. */
    public void close() { memory.removeListener(this); }

    /** The calling thread runs the CPU from now on. */
    public void enter() { owner = Thread.currentThread(); }

    // ---- control

    /** Takes over the paging bits of the control registers and forgets every translation. PDPTEs are loaded by {@link #loadPdptes}. */
    public void control(long cr0, long cr3, long cr4) {
        paging = (cr0 & CR0_PG) != 0;
        writeProtect = (cr0 & CR0_WP) != 0;
        pageSizeExtension = (cr4 & CR4_PSE) != 0;
        pae = (cr4 & CR4_PAE) != 0;
        this.cr3 = cr3;
        flush();
    }

    /**
     * Reads the four PDPTEs that {@code cr3} points to [SDM] 3A 4.4.1.
     *
     * @return false if one of them has a reserved bit set; then nothing has changed
     */
    public boolean loadPdptes(long cr3) {
        long[] loaded = new long[4];
        for (int i = 0; i < 4; i++) {
            loaded[i] = readPhysical((cr3 & 0xFFFF_FFE0L) + 8 * i & a20, 8);
            if ((loaded[i] & P) != 0 && (loaded[i] & (PAE_RESERVED | 0x1E6)) != 0) return false;
        }
        System.arraycopy(loaded, 0, pdpte, 0, 4);
        return true;
    }

    /** The PDPTE registers as they are, whatever memory has at CR3 now. */
    public long[] pdptes() { return pdpte.clone(); }

    public void pdptes(long[] values) { System.arraycopy(values, 0, pdpte, 0, 4); }

    /** Accesses from now on are those of user mode (CPL 3) or of a supervisor. */
    public void user(boolean on) {
        user = on;
        int set = on ? 2 : 0;
        readTag = tags[set];
        writeTag = tags[set + 1];
        readHost = hosts[set];
        writeHost = hosts[set + 1];
    }

    public void a20(boolean enabled) {
        long mask = enabled ? ~0L : ~(1L << 20);
        if (mask == a20) return;
        a20 = mask;
        flush();
    }

    /** Forgets every translation. */
    public void flush() {
        epoch++;
        code.attend();
        for (long[] set : tags) Arrays.fill(set, EMPTY);
        Arrays.fill(fetchTag, EMPTY);
    }

    /** Forgets the translation of one page (INVLPG). */
    public void flush(long linear) {
        epoch++;
        code.attend();
        int i = index(linear);
        for (long[] set : tags) set[i] = EMPTY;
        fetchTag[i & 255] = EMPTY;
    }

    /** Arms data breakpoints. Bits 3:0 of the sets choose the registers [SDM] 3B 17.2.4. */
    public void breakpoints(long[] debug, int onWrite, int onRead) {
        for (int i = 0; i < 4; i++) {
            int length = (int) (debug[7] >>> 18 + 4 * i) & 3;
            breakLength[i] = length == 2 ? 8 : length + 1;
            breakAddress[i] = debug[i] & -breakLength[i];
        }
        breakOnWrite = onWrite;
        breakOnRead = onRead;
        flush();
    }

    // ---- what other threads ask for

    @Override
    public void unmapped(long ppn) {
        if (Thread.currentThread() == owner) {
            for (long[] set : tags) Arrays.fill(set, EMPTY);
            return;
        }
        flushAsked = true;
        code.attend();
    }

    @Override
    public void written(long address, int length) {
        if (Thread.currentThread() == owner) {
            code.codeWritten(address, length);
            return;
        }
        foreignWrites.add(new long[] {address, length});
        code.attend();
    }

    /** Does what other threads have asked for since the last call. Between two instructions. */
    public void settle() {
        if (flushAsked) {
            flushAsked = false;
            flush();
        }
        for (long[] write; (write = foreignWrites.poll()) != null; ) code.codeWritten(write[0], (int) write[1]);
    }

    // ---- reads

    private static int index(long linear) { return (int) (linear >>> 12) & INDEX; }

    public long read8(long linear) {
        int i = index(linear);
        if (readTag[i] == (linear & PAGE)) return HostMemory.getByte(linear + readHost[i]) & 0xFF;
        return slowRead(linear, 1);
    }

    public long read16(long linear) {
        int i = index(linear);
        if (readTag[i] == (linear + 1 & PAGE)) return HostMemory.getShort(linear + readHost[i]) & 0xFFFF;
        return slowRead(linear, 2);
    }

    public long read32(long linear) {
        int i = index(linear);
        if (readTag[i] == (linear + 3 & PAGE)) return HostMemory.getInt(linear + readHost[i]) & MASK32;
        return slowRead(linear, 4);
    }

    public long read64(long linear) {
        int i = index(linear);
        if (readTag[i] == (linear + 7 & PAGE)) return HostMemory.getLong(linear + readHost[i]);
        return slowRead(linear, 8);
    }

    /** Reads 1, 2, 4 or 8 bytes, zero-extended. */
    public long read(long linear, int bytes) {
        return switch (bytes) {
            case 1 -> read8(linear);
            case 2 -> read16(linear);
            case 4 -> read32(linear);
            default -> read64(linear);
        };
    }

    // ---- writes

    public void write8(long linear, long value) {
        int i = index(linear);
        if (writeTag[i] == (linear & PAGE)) HostMemory.putByte(linear + writeHost[i], (byte) value);
        else slowWrite(linear, 1, value);
    }

    public void write16(long linear, long value) {
        int i = index(linear);
        if (writeTag[i] == (linear + 1 & PAGE)) HostMemory.putShort(linear + writeHost[i], (short) value);
        else slowWrite(linear, 2, value);
    }

    public void write32(long linear, long value) {
        int i = index(linear);
        if (writeTag[i] == (linear + 3 & PAGE)) HostMemory.putInt(linear + writeHost[i], (int) value);
        else slowWrite(linear, 4, value);
    }

    public void write64(long linear, long value) {
        int i = index(linear);
        if (writeTag[i] == (linear + 7 & PAGE)) HostMemory.putLong(linear + writeHost[i], value);
        else slowWrite(linear, 8, value);
    }

    public void write(long linear, int bytes, long value) {
        switch (bytes) {
            case 1 -> write8(linear, value);
            case 2 -> write16(linear, value);
            case 4 -> write32(linear, value);
            default -> write64(linear, value);
        }
    }

    // ---- reads that a write to the same place follows: they fault as the write would

    public long update8(long linear) {
        int i = index(linear);
        if (writeTag[i] == (linear & PAGE)) return HostMemory.getByte(linear + writeHost[i]) & 0xFF;
        return slowUpdate(linear, 1);
    }

    public long update16(long linear) {
        int i = index(linear);
        if (writeTag[i] == (linear + 1 & PAGE)) return HostMemory.getShort(linear + writeHost[i]) & 0xFFFF;
        return slowUpdate(linear, 2);
    }

    public long update32(long linear) {
        int i = index(linear);
        if (writeTag[i] == (linear + 3 & PAGE)) return HostMemory.getInt(linear + writeHost[i]) & MASK32;
        return slowUpdate(linear, 4);
    }

    public long update64(long linear) {
        int i = index(linear);
        if (writeTag[i] == (linear + 7 & PAGE)) return HostMemory.getLong(linear + writeHost[i]);
        return slowUpdate(linear, 8);
    }

    public long update(long linear, int bytes) {
        return switch (bytes) {
            case 1 -> update8(linear);
            case 2 -> update16(linear);
            case 4 -> update32(linear);
            default -> update64(linear);
        };
    }

    /** Faults as a write of {@code bytes} bytes at {@code linear} would, and writes nothing. {@code bytes} is at most a page. */
    public void probeWrite(long linear, int bytes) {
        translate(linear, true, user);
        long last = wrap(linear + bytes - 1);
        if (((linear ^ last) & PAGE) != 0) translate(last & PAGE, true, user);
    }

    /** Faults as a read would. */
    public void probeRead(long linear, int bytes) {
        translate(linear, false, user);
        long last = wrap(linear + bytes - 1);
        if (((linear ^ last) & PAGE) != 0) translate(last & PAGE, false, user);
    }

    // ---- accesses of the processor itself (descriptor tables, TSS): supervisor accesses at any CPL

    public long readSystem(long linear, int bytes) {
        if (!user) return read(linear, bytes);
        user(false);
        try {
            return read(linear, bytes);
        } finally {
            user(true);
        }
    }

    public void writeSystem(long linear, int bytes, long value) {
        if (!user) {
            write(linear, bytes, value);
            return;
        }
        user(false);
        try {
            write(linear, bytes, value);
        } finally {
            user(true);
        }
    }

    // ---- bulk access for string instructions

    /** Host address for reading from {@code linear} up to the end of its page, or 0 if the fast path does not serve that page. */
    public long hostForRead(long linear) {
        int i = index(linear);
        return readTag[i] == (linear & PAGE) || fillRead(linear) ? linear + readHost[i] : 0;
    }

    /** The same for writing. */
    public long hostForWrite(long linear) {
        int i = index(linear);
        return writeTag[i] == (linear & PAGE) || fillWrite(linear) ? linear + writeHost[i] : 0;
    }

    // ---- instruction fetch

    /** Guest-physical address of code at a linear address; faults as a fetch. */
    public long fetch(long linear) {
        int i = (int) (linear >>> 12) & 255;
        long tag = linear & PAGE | (user ? 2 : 0);
        if (fetchTag[i] == tag) return fetchPhysical[i] | linear & 0xFFF;
        long physical = translate(linear, false, user);
        fetchTag[i] = tag;
        fetchPhysical[i] = physical & PAGE;
        return physical;
    }

    /** A byte of guest-physical memory. */
    public int codeByte(long physical) { return (int) readPhysical(physical, 1) & 0xFF; }

    // ---- slow paths

    private static long wrap(long linear) { return linear & MASK32; } // LIMIT: 32-bit linear addresses until long mode comes

    private long slowRead(long linear, int bytes) {
        linear = wrap(linear);
        int first = 0x1000 - (int) (linear & 0xFFF);
        if (first < bytes) {
            long low = readPart(linear, first);
            return low | readPart(wrap(linear + first), bytes - first) << 8 * first;
        }
        return fillRead(linear) ? read(linear, bytes) : readPart(linear, bytes);
    }

    /** Reads up to 8 bytes that lie in one page. */
    private long readPart(long linear, int bytes) {
        if (breakOnRead != 0) checkBreakpoints(linear, bytes, breakOnRead);
        return readPhysical(translate(linear, false, user), bytes);
    }

    private void slowWrite(long linear, int bytes, long value) {
        linear = wrap(linear);
        int first = 0x1000 - (int) (linear & 0xFFF);
        if (first < bytes) {
            long low = translate(linear, true, user);
            long high = translate(wrap(linear + first), true, user);
            if (breakOnWrite != 0) checkBreakpoints(linear, bytes, breakOnWrite);
            writePhysical(low, first, value);
            writePhysical(high, bytes - first, value >>> 8 * first);
            return;
        }
        if (fillWrite(linear)) {
            write(linear, bytes, value);
            return;
        }
        if (breakOnWrite != 0) checkBreakpoints(linear, bytes, breakOnWrite);
        writePhysical(translate(linear, true, user), bytes, value);
    }

    private long slowUpdate(long linear, int bytes) {
        linear = wrap(linear);
        int first = 0x1000 - (int) (linear & 0xFFF);
        if (first >= bytes && fillWrite(linear)) return update(linear, bytes);
        long low = translate(linear, true, user);
        if (breakOnRead != 0) checkBreakpoints(linear, bytes, breakOnRead);
        if (first < bytes) {
            long high = translate(wrap(linear + first), true, user);
            return readPhysical(low, first) | readPhysical(high, bytes - first) << 8 * first;
        }
        return readPhysical(low, bytes);
    }

    /** Makes the fast path serve reads of this page, or faults; false if the page has to stay on the slow path. */
    private boolean fillRead(long linear) {
        if (breakOnRead != 0 && hasBreakpoint(linear, breakOnRead)) return false;
        long physical = translate(linear, false, user);
        long ppn = physical >>> 12;
        long host = context.claimed(ppn) ? 0 : memory.readableAddress(ppn);
        if (host == 0) return false;
        int i = index(linear);
        readHost[i] = host - (linear & PAGE);
        readTag[i] = linear & PAGE;
        return true;
    }

    /** The same for writes, and for reads that a write follows. */
    private boolean fillWrite(long linear) {
        if (breakOnWrite != 0 && hasBreakpoint(linear, breakOnWrite)) return false;
        long physical = translate(linear, true, user);
        long ppn = physical >>> 12;
        long host = context.claimed(ppn) ? 0 : memory.writableAddress(ppn);
        if (host == 0) return false;
        int i = index(linear);
        writeHost[i] = host - (linear & PAGE);
        writeTag[i] = linear & PAGE;
        return true;
    }

    /** Reads 1 to 8 bytes of one page of guest-physical memory. */
    private long readPhysical(long physical, int bytes) {
        long ppn = physical >>> 12;
        boolean device = context.claimed(ppn) || !memory.present(ppn);
        if (Integer.bitCount(bytes) == 1) return device ? mmio.read(physical, bytes) : memory.read(physical, bytes);
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= ((device ? mmio.read(physical + i, 1) : memory.read(physical + i, 1)) & 0xFF) << 8 * i;
        }
        return value;
    }

    private void writePhysical(long physical, int bytes, long value) {
        long ppn = physical >>> 12;
        boolean device = context.claimed(ppn) || !memory.present(ppn);
        if (Integer.bitCount(bytes) == 1) {
            if (device) mmio.write(physical, bytes, value);
            else memory.write(physical, bytes, value);
            return;
        }
        for (int i = 0; i < bytes; i++) {
            if (device) mmio.write(physical + i, 1, value >>> 8 * i & 0xFF);
            else memory.write(physical + i, 1, value >>> 8 * i & 0xFF);
        }
    }

    // ---- data breakpoints

    private boolean hasBreakpoint(long linear, int set) {
        for (int i = 0; i < 4; i++) {
            if ((set >>> i & 1) != 0 && ((breakAddress[i] ^ linear) & PAGE) == 0) return true;
        }
        return false;
    }

    /** Notes which of the breakpoints of {@code set} an access touches; the trap comes after the instruction. */
    private void checkBreakpoints(long linear, int bytes, int set) {
        for (int i = 0; i < 4; i++) {
            if ((set >>> i & 1) != 0 && linear < breakAddress[i] + breakLength[i] && breakAddress[i] < linear + bytes) {
                breakHits |= 1 << i;
                code.attend();
            }
        }
    }

    // ---- page walk

    /** Guest-physical address; sets accessed and dirty bits, or faults. */
    private long translate(long linear, boolean write, boolean user) {
        if (!paging) return linear & a20;
        return (pae ? walkPae(linear, write, user) : walk(linear, write, user)) & a20;
    }

    private long walk(long linear, boolean write, boolean user) {
        long pdeAddress = cr3 & 0xFFFF_F000L | linear >>> 20 & 0xFFC;
        long pde = entry(pdeAddress, 4);
        if ((pde & P) == 0) throw pageFault(linear, 0, write, user);
        if ((pde & LARGE) != 0 && pageSizeExtension) {
            if ((pde & 1 << 21) != 0) throw pageFault(linear, FAULT_PRESENT | FAULT_RESERVED, write, user);
            check(linear, pde, write, user);
            mark(pdeAddress, 4, pde, write);
            return pde & 0xFFC0_0000L | (pde >>> 13 & 0xF) << 32 | linear & 0x3F_FFFF;
        }
        mark(pdeAddress, 4, pde, false);
        long pteAddress = pde & 0xFFFF_F000L | linear >>> 10 & 0xFFC;
        long pte = entry(pteAddress, 4);
        if ((pte & P) == 0) throw pageFault(linear, 0, write, user);
        check(linear, pde & pte, write, user);
        mark(pteAddress, 4, pte, write);
        return pte & 0xFFFF_F000L | linear & 0xFFF;
    }

    private long walkPae(long linear, boolean write, boolean user) {
        long top = pdpte[(int) (linear >>> 30) & 3];
        if ((top & P) == 0) throw pageFault(linear, 0, write, user);
        long pdeAddress = top & PHYSICAL & PAGE | linear >>> 18 & 0xFF8;
        long pde = entry(pdeAddress, 8);
        if ((pde & P) == 0) throw pageFault(linear, 0, write, user);
        if ((pde & PAE_RESERVED) != 0) throw pageFault(linear, FAULT_PRESENT | FAULT_RESERVED, write, user);
        if ((pde & LARGE) != 0) {
            if ((pde & 0x1F_E000) != 0) throw pageFault(linear, FAULT_PRESENT | FAULT_RESERVED, write, user);
            check(linear, pde, write, user);
            mark(pdeAddress, 8, pde, write);
            return pde & PHYSICAL & ~0x1F_FFFFL | linear & 0x1F_FFFF;
        }
        mark(pdeAddress, 8, pde, false);
        long pteAddress = pde & PHYSICAL & PAGE | linear >>> 9 & 0xFF8;
        long pte = entry(pteAddress, 8);
        if ((pte & P) == 0) throw pageFault(linear, 0, write, user);
        if ((pte & PAE_RESERVED) != 0) throw pageFault(linear, FAULT_PRESENT | FAULT_RESERVED, write, user);
        check(linear, pde & pte, write, user);
        mark(pteAddress, 8, pte, write);
        return pte & PHYSICAL & PAGE | linear & 0xFFF;
    }

    private long entry(long address, int bytes) { return readPhysical(address & a20, bytes); }

    /** @param rights of all levels, and-ed */
    private void check(long linear, long rights, boolean write, boolean user) {
        boolean allowed = user
            ? (rights & US) != 0 && (!write || (rights & RW) != 0)
            : !write || (rights & RW) != 0 || !writeProtect;
        if (!allowed) throw pageFault(linear, FAULT_PRESENT, write, user);
    }

    private void mark(long address, int bytes, long entry, boolean dirty) {
        long marked = entry | ACCESSED | (dirty ? DIRTY : 0);
        if (marked != entry) writePhysical(address & a20, bytes, marked);
    }

    private GuestFault pageFault(long linear, int code, boolean write, boolean user) {
        cr2 = linear;
        return fault.of(GuestFault.PF, code | (write ? FAULT_WRITE : 0) | (user ? FAULT_USER : 0));
    }
}
