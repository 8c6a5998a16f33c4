package devices.pc.chipset;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import devices.pc.input.Keyboard8042;
import devices.pc.interrupt.InterruptFabric;
import devices.pc.time.IntervalTimer;
import devices.pc.time.Rtc146818;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;

/** The main board: 440BX with PIIX4 and what hangs on its ISA bus. Here chips get their ports, lines and clocks. */
public final class Board440bx implements PcDevice {
    private static final int ISA_BRIDGE_SLOT = 7;
    private static final long RESET_VECTOR_PAGE = 0xF_FFFF;

    private final DeviceContext context;
    private final InterruptFabric fabric;
    private final IntervalTimer timer;
    private final Rtc146818 rtc;
    private final Keyboard8042 keyboard;
    private final PowerManagement power;
    private final PciFunction hostBridge, isaBridge;
    private final PciConfiguration configuration;
    private final SystemPorts system;
    private final Dma8237 dma1 = new Dma8237(), dma2 = new Dma8237();
    private boolean clockAlarm;

    /** Makes all claims. @throws IllegalStateException if something else has one of the addresses */
    public Board440bx(DeviceContext context) {
        this.context = context;
        fabric = new InterruptFabric(context);
        timer = new IntervalTimer(context.clock(), context::timer, fabric.tickLine());
        fabric.whenAcknowledged(timer::acknowledged);
        power = new PowerManagement(context, fabric.wire(9));
        var irq8 = fabric.wire(8);
        rtc = new Rtc146818(context.clock(), context::timer, level -> {
            irq8.set(level);
            clockInterrupt(level);
        });
        CmosSettings.store(rtc, context.memory());
        system = new SystemPorts(this::gateA20, this::resetCpu, () -> context.cpus().ignoreNumericError(0));
        keyboard = new Keyboard8042(fabric.wire(1), fabric.wire(12), this::gateA20, this::resetCpu);
        configuration = new PciConfiguration(context, context::reset, this::resetCpu);
        hostBridge = HostBridge.create(context);
        isaBridge = IsaBridge.create(context, fabric).multifunction();
        context.claimPci(0, 0, hostBridge);
        context.claimPci(ISA_BRIDGE_SLOT, 0, isaBridge);
        context.claimPci(ISA_BRIDGE_SLOT, 3, power.function()); // LIMIT: no IDE and no USB function
        claimPorts();
        context.serveInterrupts(fabric);
    }

    /** For those who press keys and move the mouse. */
    public Keyboard8042 keyboard() { return keyboard; }

    /** An error that the board reports by NMI, or its NMI button: reaches the CPU unless port 70h masks it. */
    public void nonMaskable() { if (!rtc.nmiMasked()) fabric.nonMaskable(); }

    @Override
    public String schema() { return "devices.pc/440bx"; }

    @Override
    public void exchange(StateRecord state) {
        fabric.exchange(state.child("interrupts"));
        timer.exchange(state.child("pit"));
        rtc.exchange(state.child("rtc"));
        keyboard.exchange(state.child("keyboard"));
        power.exchange(state.child("power"));
        hostBridge.exchange(state.child("hostBridge"));
        isaBridge.exchange(state.child("isaBridge"));
        configuration.exchange(state.child("configuration"));
        system.exchange(state.child("system"));
        dma1.exchange(state.child("dma1"));
        dma2.exchange(state.child("dma2"));
        clockAlarm = state.exchange("clockAlarm", clockAlarm);
        if (state.loading()) context.cpus().a20(system.a20());
    }

    @Override
    public void reset() {
        fabric.reset();
        hostBridge.reset();
        isaBridge.reset();
        power.function().reset();
        configuration.reset();
        timer.reset();
        rtc.reset();
        keyboard.reset();
        power.reset();
        system.reset();
        dma1.reset();
        dma2.reset();
        context.cpus().a20(true);
    }

    @Override
    public boolean requestShutdown() { return power.pressPowerButton(); }

    @Override
    public void close() {
        fabric.close();
        timer.close();
        rtc.close();
        power.close();
    }

    private void claimPorts() {
        claim(0x00, 16, dma1);
        claim(0x20, 2, fabric.masterPorts());
        claim(0x40, 4, timer.ports());
        claim(0x60, 1, keyboard.dataPort());
        claim(0x61, 1, timer.systemControl());
        claim(0x64, 1, keyboard.commandPort());
        claim(0x70, 2, rtc);
        claim(0x80, 16, system.pagePorts());
        claim(0x92, 1, system.port92());
        claim(0xA0, 2, fabric.slavePorts());
        claim(0xB2, 2, power.commandPorts());
        claim(0xC0, 32, everyOther(dma2));
        claim(0xF0, 2, system.coprocessorPorts());
        claim(0x4D0, 2, fabric.edgeLevelPorts());
        context.claimPorts(0xCF8, 8, configuration);
    }

    private void claim(int first, int count, ByteChip chip) { context.claimPorts(first, count, ByteChip.ports(chip)); }

    /** The second DMA controller's A0 is the bus's A1. */
    private static ByteChip everyOther(ByteChip chip) {
        return new ByteChip() {
            @Override
            public int read(int offset) { return (offset & 1) == 0 ? chip.read(offset >> 1) : 0xFF; }

            @Override
            public void write(int offset, int value) { if ((offset & 1) == 0) chip.write(offset >> 1, value); }
        };
    }

    /**
     * The keyboard controller's output and port 92h are one line here, and whoever wrote last decides. On a PIIX4 either one
     * turns A20 on; programs that use one of them find it works both ways like this.
     */
    private void gateA20(boolean on) {
        system.a20(on);
        context.cpus().a20(on);
    }

    /**
     * INIT. The CPU goes on at its reset vector, where firmware decides. A machine whose firmware is not in guest memory has
     * nothing there; firmware would start the machine anew, so that is what happens.
     */
    private void resetCpu() {
        if (context.memory().present(RESET_VECTOR_PAGE)) {
            gateA20(true);
            fabric.init();
        } else {
            context.reset();
        }
    }

    private void clockInterrupt(boolean level) {
        if (level && !clockAlarm) power.clockAlarm();
        clockAlarm = level;
    }

    /** What firmware stores in CMOS about the machine. */
    private static final class CmosSettings {
        private static final int SHUTDOWN = 0x0F, EQUIPMENT = 0x14, BASE = 0x15, EXTENDED = 0x17, CHECKSUM = 0x2E, EXTENDED_FOUND = 0x30, ABOVE_16M = 0x34;
        private static final long KB = 1024, MB = KB * KB;

        static void store(Rtc146818 rtc, GuestMemory memory) {
            long top = memory.lowMemoryTop();
            rtc.store(SHUTDOWN, 0);
            rtc.store(EQUIPMENT, 0x06); // coprocessor, pointing device; no floppy drive, no display adapter of the old kinds
            word(rtc, BASE, 640);
            word(rtc, EXTENDED, Math.min(0xFFFF, (top - MB) / KB));
            word(rtc, EXTENDED_FOUND, Math.min(0xFFFF, (top - MB) / KB));
            word(rtc, ABOVE_16M, Math.max(0, Math.min(0xFFFF, (top - 16 * MB) / (64 * KB))));
            int sum = 0;
            for (int i = 0x10; i <= 0x2D; i++) sum += rtc.stored(i);
            rtc.store(CHECKSUM, sum >> 8);
            rtc.store(CHECKSUM + 1, sum);
        }

        private static void word(Rtc146818 rtc, int at, long value) {
            rtc.store(at, (int) value);
            rtc.store(at + 1, (int) value >> 8);
        }
    }
}
