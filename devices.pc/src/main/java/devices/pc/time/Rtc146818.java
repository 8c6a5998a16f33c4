package devices.pc.time;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.function.Consumer;
import java.util.function.Function;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.handover.StateRecord;

/**
 * The MC146818 real-time clock with 128 bytes of battery-backed memory, behind ports 70h and 71h [MC146818], [PIIX4 4.5]. Its time
 * is the guest's wall clock in UTC plus what the guest has set. Flags are worked out when somebody looks; the timer runs only
 * while an interrupt is enabled.
 */
public final class Rtc146818 implements ByteChip {
    private static final int SECONDS = 0, SECONDS_ALARM = 1, MINUTES = 2, MINUTES_ALARM = 3, HOURS = 4, HOURS_ALARM = 5;
    private static final int DAY_OF_WEEK = 6, DAY = 7, MONTH = 8, YEAR = 9, A = 10, B = 11, C = 12, D = 13, CENTURY = 0x32;
    private static final int A_UIP = 0x80, A_DIVIDER = 0x70, A_RATE = 0x0F, DIVIDER_RESET = 0x60;
    private static final int B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_SQWE = 0x08, B_BINARY = 0x04, B_24H = 0x02;
    private static final int C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10, C_SOURCES = 0x70;
    private static final int D_VALID = 0x80;
    /** Times are in microseconds here: years of four digits would overflow nanoseconds. */
    private static final long SECOND = 1_000_000;
    /** UIP is up 244 microseconds before an update cycle, which takes 1984 more. */
    private static final long UPDATE = 2_228;
    /** Differences of the wall clock from guest time beyond this are jumps and not its coarse unit or a late thread. */
    private static final long JUMP = 100_000;
    private static final long SHORTEST_NANOS = 10_000;

    private final byte[] ram = new byte[128];
    private final TickBacklog backlog = new TickBacklog();
    private final GuestClock clock;
    private final GuestTimer timer;
    private final Consumer<Boolean> irq8;
    private int index;
    private boolean nmiMasked;
    private long wallOffset;    // wall clock minus guest time, microseconds
    private long guestOffset;   // what the guest has set minus the wall clock
    private int weekdayOffset;  // the day of week is a register of its own
    private boolean frozen;     // the time registers are memory: SET, or the divider is held
    private long lastSecond;    // updates up to this one have been seen
    private long lastPeriod;

    /** @param timers makes a timer of guest time for a callback */
    public Rtc146818(GuestClock clock, Function<Runnable, GuestTimer> timers, Consumer<Boolean> irq8) {
        this.clock = clock;
        this.timer = timers.apply(this::expired);
        this.irq8 = irq8;
        ram[A] = 0x26; // 32.768 kHz, 1024 Hz
        ram[B] = B_24H;
        wallOffset = clock.wallMillis() * 1000 - clock.nanos() / 1000;
        lastSecond = seconds();
        lastPeriod = periods();
    }

    /** RESET#: interrupts off, flags gone; time and memory are kept by the battery. */
    public void reset() {
        index = 0;
        nmiMasked = false;
        ram[B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
        ram[C] = 0;
        backlog.clear();
        signal();
        timer.cancel();
    }

    public void close() { timer.cancel(); }

    public void exchange(StateRecord state) {
        state.fill("ram", ram);
        index = state.exchange("index", index);
        nmiMasked = state.exchange("nmiMasked", nmiMasked);
        wallOffset = state.exchange("wallOffset", wallOffset);
        guestOffset = state.exchange("guestOffset", guestOffset);
        weekdayOffset = state.exchange("weekdayOffset", weekdayOffset);
        frozen = state.exchange("frozen", frozen);
        lastSecond = state.exchange("lastSecond", lastSecond);
        lastPeriod = state.exchange("lastPeriod", lastPeriod);
        backlog.exchange(state, "backlog");
        PcDevice.exchange(state, "timer", timer);
    }

    /** Memory as firmware sees it, for settings such as the memory size; not for the registers below 0Eh. */
    public void store(int address, int value) { ram[address] = (byte) value; }

    public int stored(int address) { return ram[address] & 0xFF; }

    /** Port 70h bit 7 keeps NMI from the CPU. */
    public boolean nmiMasked() { return nmiMasked; }

    @Override
    public int read(int offset) { return offset == 0 ? 0xFF : register(index); } // port 70h cannot be read

    @Override
    public void write(int offset, int value) {
        if (offset == 0) {
            index = value & 0x7F;
            nmiMasked = (value & 0x80) != 0;
        } else {
            refresh();
            register(index, value);
        }
    }

    private int register(int number) {
        return switch (number) {
            case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY, MONTH, YEAR, CENTURY -> frozen ? stored(number) : field(number, seconds());
            case A -> stored(A) | (updating() ? A_UIP : 0);
            case C -> readFlags();
            case D -> D_VALID;
            default -> stored(number);
        };
    }

    private void register(int number, int value) {
        switch (number) {
            case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY, MONTH, YEAR, CENTURY -> setTime(number, value);
            case A -> setA(value);
            case B -> setB(value);
            case C, D -> { } // read only
            default -> store(number, value);
        }
        schedule();
    }

    /** Reading clears the flags and the interrupt; a late periodic tick then raises both again. */
    private int readFlags() {
        refresh();
        int flags = stored(C);
        store(C, 0);
        signal();
        if (backlog.take()) {
            store(C, C_PF);
            signal();
        }
        return flags;
    }

    private void setTime(int number, int value) {
        if (frozen) {
            store(number, value);
            return;
        }
        freeze();
        store(number, value);
        adopt(phase());
    }

    private void setA(int value) {
        boolean held = dividerHeld();
        store(A, value & ~A_UIP);
        boolean holds = dividerHeld();
        if (holds && !frozen) freeze();
        else if (held && !holds && !set()) adopt(SECOND / 2); // the first update comes half a second after the divider starts
        lastPeriod = periods();
        backlog.clear();
    }

    private void setB(int value) {
        boolean wasSet = set();
        boolean sets = (value & B_SET) != 0;
        if (sets && !frozen) freeze();
        store(B, sets ? value & ~B_UIE : value);
        if (wasSet && !sets && !dividerHeld()) adopt(phase());
        if ((value & B_PIE) == 0) backlog.clear();
        signal();
    }

    private boolean set() { return (ram[B] & B_SET) != 0; }

    private boolean dividerHeld() { return (ram[A] & DIVIDER_RESET) == DIVIDER_RESET; }

    private boolean updating() { return !frozen && phase() >= SECOND - UPDATE; }

    /** The clock's time, microseconds since 1970. */
    private long time() {
        long micros = clock.nanos() / 1000, wall = clock.wallMillis() * 1000;
        if (Math.abs(wall - micros - wallOffset) > JUMP) wallOffset = wall - micros;
        return micros + wallOffset + guestOffset;
    }

    private long seconds() { return Math.floorDiv(time(), SECOND); }

    private long phase() { return Math.floorMod(time(), SECOND); }

    /** Turns the time registers into memory. */
    private void freeze() {
        long second = seconds();
        for (int number : new int[] {SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY, MONTH, YEAR, CENTURY}) store(number, field(number, second));
        frozen = true;
    }

    /** Goes on from what is in the time registers. */
    private void adopt(long phase) {
        frozen = false;
        LocalDateTime date = LocalDate.of(decode(stored(CENTURY)) * 100 + decode(stored(YEAR)), 1, 1).atStartOfDay()
                .plusMonths(decode(stored(MONTH)) - 1).plusDays(decode(stored(DAY)) - 1)
                .plusHours(decodeHours(stored(HOURS))).plusMinutes(decode(stored(MINUTES))).plusSeconds(decode(stored(SECONDS)));
        guestOffset += date.toEpochSecond(ZoneOffset.UTC) * SECOND + phase - time();
        lastSecond = seconds();
        weekdayOffset = Math.floorMod(decode(stored(DAY_OF_WEEK)) - 1 - weekday(date), 7);
    }

    /** A time register at a second since 1970, as the guest has chosen to see it. */
    private int field(int number, long second) {
        LocalDateTime date = LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC);
        return switch (number) {
            case SECONDS -> encode(date.getSecond());
            case MINUTES -> encode(date.getMinute());
            case HOURS -> encodeHours(date.getHour());
            case DAY_OF_WEEK -> encode((weekday(date) + weekdayOffset) % 7 + 1);
            case DAY -> encode(date.getDayOfMonth());
            case MONTH -> encode(date.getMonthValue());
            case YEAR -> encode(date.getYear() % 100);
            default -> encode(date.getYear() / 100);
        };
    }

    /** 0 for Sunday. */
    private static int weekday(LocalDateTime date) { return date.getDayOfWeek() == DayOfWeek.SUNDAY ? 0 : date.getDayOfWeek().getValue(); }

    private int encode(int number) { return binary() ? number : number / 10 << 4 | number % 10; }

    private int decode(int value) { return binary() ? value : (value >> 4) * 10 + (value & 15); }

    private int encodeHours(int hour) {
        if ((ram[B] & B_24H) != 0) return encode(hour);
        return encode(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0);
    }

    private int decodeHours(int value) {
        if ((ram[B] & B_24H) != 0) return decode(value);
        return decode(value & 0x7F) % 12 + ((value & 0x80) != 0 ? 12 : 0);
    }

    private boolean binary() { return (ram[B] & B_BINARY) != 0; }

    /** Sets the flags for all that has happened since the last look. */
    private void refresh() {
        if (!frozen) refreshUpdates();
        refreshPeriods();
        signal();
    }

    private void refreshUpdates() {
        long second = seconds();
        if (second > lastSecond) {
            ram[C] |= C_UF;
            long from = Math.max(lastSecond + 1, second - 86_399);
            for (long s = from; s <= second && (ram[C] & C_AF) == 0; s++) if (alarm(s)) ram[C] |= C_AF;
        }
        if (second > lastSecond || second < lastSecond - 1) lastSecond = second;
    }

    private boolean alarm(long second) {
        return alarm(SECONDS_ALARM, SECONDS, second) && alarm(MINUTES_ALARM, MINUTES, second) && alarm(HOURS_ALARM, HOURS, second);
    }

    /** Alarm values C0h to FFh match everything. */
    private boolean alarm(int alarm, int number, long second) {
        int value = stored(alarm);
        return (value & 0xC0) == 0xC0 || value == field(number, second);
    }

    private void refreshPeriods() {
        long period = periods(), passed = period - lastPeriod;
        lastPeriod = period;
        if (passed <= 0) return;
        boolean interrupts = (ram[B] & B_PIE) != 0;
        if (interrupts) backlog.add((ram[C] & C_PF) != 0 ? passed : passed - 1, periodTicks() * 1_000_000_000L / 32_768);
        ram[C] |= C_PF;
    }

    /** Periods of the rate selector since power-on; 0 while it is off. */
    private long periods() { return periodTicks() == 0 ? 0 : ticks(clock.nanos()) / periodTicks(); }

    /** Rate in ticks of the 32.768 kHz crystal; 0 for none [MC146818] Table 5. */
    private long periodTicks() {
        int rate = ram[A] & A_RATE;
        if (rate == 0 || dividerHeld()) return 0;
        return 1L << (rate < 3 ? rate + 6 : rate - 1);
    }

    private static long ticks(long nanos) { return nanos / 1_000_000_000 * 32_768 + nanos % 1_000_000_000 * 32_768 / 1_000_000_000; }

    /** First nanosecond at which {@link #ticks} gives this. */
    private static long nanosOf(long ticks) { return ticks / 32_768 * 1_000_000_000 + (ticks % 32_768 * 1_000_000_000 + 32_767) / 32_768; }

    private void signal() {
        boolean active = (ram[C] & ram[B] & C_SOURCES) != 0;
        ram[C] = (byte) (active ? ram[C] | C_IRQF : ram[C] & ~C_IRQF);
        irq8.accept(active);
    }

    private void expired() {
        refresh();
        schedule();
    }

    private void schedule() {
        long now = clock.nanos(), next = Long.MAX_VALUE;
        if ((ram[B] & B_PIE) != 0 && periodTicks() != 0) next = nanosOf((lastPeriod + 1) * periodTicks());
        if ((ram[B] & (B_UIE | B_AIE)) != 0 && !frozen) next = Math.min(next, now + (SECOND - phase()) * 1000);
        if (next == Long.MAX_VALUE) timer.cancel();
        else timer.at(Math.max(next, now + SHORTEST_NANOS));
    }
}
