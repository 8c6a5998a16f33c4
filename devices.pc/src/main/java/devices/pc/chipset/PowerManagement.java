package devices.pc.chipset;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import devices.pc.bus.RegisterFile;
import devices.pc.bus.RegisterMap;
import java.util.EnumMap;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.handover.StateRecord;

/**
 * Function 3 of the PIIX4, 00:07.3 [PIIX4 7]: the ACPI register blocks at PMBASE, the SCI on IRQ 9, and the ports of the
 * software SMI with which an operating system takes the power management over. Reset leaves it as firmware does: decoded at
 * 1000h, no SCI yet. A sleep type of 0 (PIIX4: soft off) turns the power off.
 */
final class PowerManagement implements RegisterFile<PowerRegister> {
    /** Where the registers are after reset, and what the ACPI tables say. */
    static final int BASE = 0x1000;
    /** SMI_CMD values of the ACPI tables. */
    static final int ACPI_ENABLE = 0xF1, ACPI_DISABLE = 0xF0;
    private static final int SIZE = 64;
    private static final int PMBASE = 0x40, PMREGMISC = 0x80, PMIOSE = 1;
    private static final long TIMER_HERTZ = 3_579_545, SECOND = 1_000_000_000L;
    private static final int TIMER_MASK = 0xFF_FFFF, OVERFLOW_SHIFT = 23;
    private static final int TMROF = 0x0001, PWRBTN = 0x0100, RTC = 0x0400, STATUS_BITS = 0x8521, SCI_BITS = 0x0521;
    private static final int SCI_EN = 0x0001, CONTROL_BITS = 0x1C03, SLEEP_ENABLE = 0x2000, SLEEP_TYPE = 0x1C00, SOFT_OFF = 0;

    private final DeviceContext context;
    private final InterruptLine sci;
    private final GuestTimer timer;
    private final PciFunction function;
    private final RegisterMap<PowerRegister> ports = new RegisterMap<>(SIZE, PowerRegister.values(), this);
    private final EnumMap<PowerRegister, Integer> values = new EnumMap<>(PowerRegister.class);
    private long overflows; // of the timer since power-on that PMSTS has been told
    private int mapped = -1;
    private int apmControl, apmStatus;

    PowerManagement(DeviceContext context, InterruptLine sci) {
        this.context = context;
        this.sci = sci;
        this.timer = context.timer(this::refresh);
        for (PowerRegister register : PowerRegister.values()) values.put(register, 0);
        this.function = new PciFunction(context, 0x8086, 0x7113, 0x06_80_00, 0x08)
                .register(PciFunction.COMMAND, 2, 0x0001, 0x0001)
                .register(PciFunction.STATUS, 2, 0x0280, 0).clearedByOnes(PciFunction.STATUS, 2, 0x7800)
                .storage(0x44, 0x7F)                        // counters, device monitors and their ranges
                .register(PMBASE, 4, BASE | 1, 0xFFC0)
                .register(PMREGMISC, 1, PMIOSE, PMIOSE)
                .register(0x90, 4, 1, 0xFFF0)               // SMBBA. LIMIT: the SMBus host controller is not there
                .register(0xD2, 1, 0, 0x0F)                 // SMBHSTCFG
                .register(0xD3, 4, 0, -1)                   // SMBus slave
                .onChange(PMBASE, 4, value -> decode())
                .onChange(PMREGMISC, 1, value -> decode());
    }

    PciFunction function() { return function; }

    /** The function itself is reset by its bus. */
    void reset() {
        for (PowerRegister register : PowerRegister.values()) values.put(register, 0);
        values.put(PowerRegister.GPIREG, -1);
        overflows = ticks() >> OVERFLOW_SHIFT;
        apmControl = apmStatus = 0;
        update();
    }

    void close() { timer.cancel(); }

    void exchange(StateRecord state) {
        function.exchange(state.child("pci"));
        for (PowerRegister register : PowerRegister.values()) set(register, state.exchange(register.name(), value(register)));
        overflows = state.exchange("overflows", overflows);
        apmControl = state.exchange("apmControl", apmControl);
        apmStatus = state.exchange("apmStatus", apmStatus);
        int base = state.exchange("mapped", mapped);
        if (state.loading()) map(base);
        PcDevice.exchange(state, "timer", timer);
    }

    /** The button is pressed. @return true if the guest has asked to be told */
    boolean pressPowerButton() {
        set(PowerRegister.PMSTS, value(PowerRegister.PMSTS) | PWRBTN);
        update();
        return acpi() && (value(PowerRegister.PMEN) & PWRBTN) != 0;
    }

    /** IRQ 8 was asserted, which is also a wake-up event. */
    void clockAlarm() {
        set(PowerRegister.PMSTS, value(PowerRegister.PMSTS) | RTC);
        update();
    }

    /** Ports B2h and B3h: APM control and status. There is no SMM behind them; ACPI's two commands are answered here. */
    ByteChip commandPorts() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return offset == 0 ? apmControl : apmStatus; }

            @Override
            public void write(int offset, int value) {
                if (offset == 0) command(value);
                else apmStatus = value;
            }
        };
    }

    private void command(int value) {
        apmControl = value;
        if (value == ACPI_ENABLE) set(PowerRegister.PMCNTRL, value(PowerRegister.PMCNTRL) | SCI_EN);
        else if (value == ACPI_DISABLE) set(PowerRegister.PMCNTRL, value(PowerRegister.PMCNTRL) & ~SCI_EN);
        update();
    }

    @Override
    public int read(PowerRegister register) {
        return switch (register) {
            case PMTMR -> (int) ticks() & TIMER_MASK;
            case PMSTS -> {
                refresh();
                yield value(register);
            }
            default -> value(register);
        };
    }

    @Override
    public void write(PowerRegister register, int value, int lanes) {
        int merged = value(register) & ~lanes | value;
        switch (register) {
            case PMSTS -> {
                refresh();
                set(register, value(register) & ~value & STATUS_BITS);
            }
            case GPSTS, GLBSTS, DEVSTS -> set(register, value(register) & ~value);
            case PMEN -> set(register, merged & SCI_BITS);
            case PMCNTRL -> control(merged);
            case PMTMR, PLVL2, PLVL3, GPIREG -> { } // read only
            default -> set(register, merged);
        }
        update();
    }

    private void control(int value) {
        set(PowerRegister.PMCNTRL, value & CONTROL_BITS);
        if ((value & SLEEP_ENABLE) == 0) return;
        if ((value & SLEEP_TYPE) >> 10 == SOFT_OFF) context.powerOff();
        else context.misuse("sleep type without a meaning on this board"); // LIMIT: S5 is the only sleep state
    }

    private boolean acpi() { return (value(PowerRegister.PMCNTRL) & SCI_EN) != 0; }

    private int value(PowerRegister register) { return values.get(register); }

    private void set(PowerRegister register, int value) { values.put(register, value); }

    private long ticks() {
        long nanos = context.clock().nanos();
        return nanos / SECOND * TIMER_HERTZ + nanos % SECOND * TIMER_HERTZ / SECOND;
    }

    /** TMROF is set each time bit 22 of the timer falls. */
    private void refresh() {
        long now = ticks() >> OVERFLOW_SHIFT;
        if (now == overflows) return;
        overflows = now;
        set(PowerRegister.PMSTS, value(PowerRegister.PMSTS) | TMROF);
        update();
    }

    /** The SCI is a level: any enabled event, once the operating system has taken over. */
    private void update() {
        boolean fixed = (value(PowerRegister.PMSTS) & value(PowerRegister.PMEN) & SCI_BITS) != 0;
        boolean general = (value(PowerRegister.GPSTS) & value(PowerRegister.GPEN)) != 0;
        sci.set(acpi() && (fixed || general));
        if ((value(PowerRegister.PMEN) & TMROF) != 0) timer.at(nanosOf(overflows + 1 << OVERFLOW_SHIFT));
        else timer.cancel();
    }

    private static long nanosOf(long ticks) {
        return ticks / TIMER_HERTZ * SECOND + (ticks % TIMER_HERTZ * SECOND + TIMER_HERTZ - 1) / TIMER_HERTZ;
    }

    private void decode() {
        boolean on = (function.register(PMREGMISC, 1) & PMIOSE) != 0;
        int base = function.register(PMBASE, 4) & 0xFFC0, wanted = on && base != 0 ? base : -1;
        if (wanted != mapped) map(wanted);
    }

    /** @param base -1 for nowhere */
    private void map(int base) {
        if (mapped >= 0) context.releasePorts(mapped, SIZE);
        mapped = -1;
        if (base < 0) return;
        try {
            context.claimPorts(base, SIZE, ports);
            mapped = base;
        } catch (IllegalStateException e) {
            context.misuse("power management moved onto another device");
        }
    }
}
