package devices.pc.scsi;

import devices.pc.PcDevice;
import devices.pc.bus.ByteChip;
import devices.pc.chipset.PciFunction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;

/**
 * The BusLogic BT-958, a wide Ultra SCSI adapter of the MultiMaster family with firmware 5.07B [MULTIMASTER]: its PCI function,
 * four registers, and the commands that go through them. SCSI commands go through {@link BusLogicMailboxes}.
 *
 * <p>Its ISA-compatible ports are at 330h after power-on if nobody else is there; drivers that know PCI turn them off.
 */
public final class BusLogic implements PcDevice, ByteChip {
    private static final int WINDOW_BYTES = 32, SUBSYSTEM_ID = 0x1040_104B;
    private static final int CONTROL_STATUS = 0, COMMAND_DATA = 1, INTERRUPT = 2, GEOMETRY = 3; // registers
    private static final int HARD_RESET = 0x80, SOFT_RESET = 0x40, INTERRUPT_RESET = 0x20, BUS_RESET = 0x10; // control
    /** Status register. */
    private static final int DIAGNOSTIC_ACTIVE = 0x80, INITIALIZATION_REQUIRED = 0x20, READY = 0x10, DATA_IN_READY = 0x04, COMMAND_INVALID = 0x01;
    /** Interrupt register. */
    private static final int INTERRUPT_VALID = 0x80, BUS_WAS_RESET = 0x08, COMMAND_COMPLETE = 0x04, OUTGOING_AVAILABLE = 0x02, INCOMING_LOADED = 0x01;
    private static final int EXTENDED_TRANSLATION = 0x80; // geometry
    private static final int[] ISA_PORTS = {0x330, 0x334, 0x230, 0x234, 0x130, 0x134};
    private static final int ISA_DISABLED = 6, ISA_BYTES = 4;
    private static final int RAM_BYTES = 256, SETUP_AT = 64; // the adapter's own memory, and its configuration therein
    private static final int NONE = -1;

    private final DeviceContext context;
    private final PciFunction function;
    private final InterruptLine line;
    private final BusLogicMailboxes mailboxes;
    private final IoHandler ports = ByteChip.ports(this);
    private final byte[] ram = new byte[RAM_BYTES];

    private int command = NONE;     // that is being given, with its parameters
    private byte[] parameters = {}, answer = {};
    private int given, taken;       // of both
    private boolean diagnosing, initialized, invalid;
    private int interrupts;
    private boolean noticed, again; // the driver knows of the loaded mailbox; another was loaded since
    private boolean interruptsOn, outgoingInterrupts, level;
    private int isaPorts, isaBase;  // as chosen; where they are, or 0

    public BusLogic(DeviceContext context) {
        this.context = context;
        IoHandler window = window();
        function = new PciFunction(context, 0x104B, 0x1040, 0x01_00_00, 0x01)
            .register(PciFunction.COMMAND, 2, PciFunction.COMMAND_MASTER, PciFunction.COMMAND_MASTER | 0x0150) // as its own BIOS leaves it
            .register(PciFunction.STATUS, 2, 0x0200, 0).clearedByOnes(PciFunction.STATUS, 2, 0xF900)
            .register(0x0C, 2, 0, 0xF8FF)               // cache line size, latency timer
            .register(PciFunction.SUBSYSTEM, 4, SUBSYSTEM_ID, 0)
            .register(0x3E, 2, 0x0808, 0)               // MIN_GNT, MAX_LAT
            .interruptPin(1)
            .ioWindow(0, WINDOW_BYTES, window)
            .memoryWindow(1, WINDOW_BYTES, window);
        line = PciFunction.interrupt(context, context.claimPci(-1, 0, function), 1);
        mailboxes = new BusLogicMailboxes(context, () -> interrupt(INCOMING_LOADED), () -> { if (outgoingInterrupts) interrupt(OUTGOING_AVAILABLE); });
    }

    /** The registers at the beginning, the rest reads as 0. */
    private IoHandler window() {
        return ByteChip.ports(new ByteChip() {
            @Override
            public int read(int offset) { return offset <= GEOMETRY ? BusLogic.this.read(offset) : 0; }

            @Override
            public void write(int offset, int value) { if (offset <= GEOMETRY) BusLogic.this.write(offset, value); }
        });
    }

    @Override
    public String schema() { return "devices.pc/buslogic"; }

    @Override
    public void exchange(StateRecord state) {
        function.exchange(state.child("pci"));
        state.fill("ram", ram);
        command = state.exchange("command", command);
        parameters = state.exchange("parameters", parameters);
        answer = state.exchange("answer", answer);
        given = state.exchange("given", given);
        taken = state.exchange("taken", taken);
        diagnosing = state.exchange("diagnosing", diagnosing);
        initialized = state.exchange("initialized", initialized);
        invalid = state.exchange("invalid", invalid);
        interrupts = state.exchange("interrupts", interrupts);
        noticed = state.exchange("noticed", noticed);
        again = state.exchange("again", again);
        interruptsOn = state.exchange("interruptsOn", interruptsOn);
        outgoingInterrupts = state.exchange("outgoingInterrupts", outgoingInterrupts);
        level = state.exchange("level", level);
        isaPorts = state.exchange("isaPorts", isaPorts);
        int base = state.exchange("isaBase", isaBase);
        if (state.loading()) {
            claimIsa(base);
            line.restore(level);
        }
        mailboxes.exchange(state.child("mailboxes"));
    }

    @Override
    public void reset() {
        function.reset();
        setUp();
        moveIsa(0);
        clear();
        mailboxes.bus().powerOn();
    }

    @Override
    public void close() { mailboxes.bus().close(); }

    // -- resets --

    /** Waits for mailboxes; nothing is under way. */
    private void clear() {
        command = NONE;
        parameters = answer = new byte[0];
        given = taken = interrupts = 0;
        diagnosing = initialized = invalid = noticed = again = outgoingInterrupts = false;
        interruptsOn = true;
        mailboxes.reset();
        signal();
    }

    /** A soft reset spares its own configuration and the devices. */
    private void reset(boolean hard) {
        clear();
        if (hard) {
            setUp();
            mailboxes.bus().resetBus();
        }
        diagnosing = true; // until the driver has seen it
    }

    // -- registers --

    @Override
    public int read(int offset) {
        switch (offset) {
            case CONTROL_STATUS: return status();
            case COMMAND_DATA: return takeAnswer();
            case INTERRUPT:
                noticed = (interrupts & INCOMING_LOADED) != 0;
                return interrupts;
            default: return EXTENDED_TRANSLATION;
        }
    }

    @Override
    public void write(int offset, int value) {
        if (offset == CONTROL_STATUS) control(value);
        else if (offset == COMMAND_DATA) command(value);
    }

    private int status() {
        if (diagnosing) {
            diagnosing = false;
            return DIAGNOSTIC_ACTIVE;
        }
        int state = answer.length > 0 ? DATA_IN_READY : command == NONE ? READY : 0;
        return state | (initialized ? 0 : INITIALIZATION_REQUIRED) | (invalid ? COMMAND_INVALID : 0);
    }

    private void control(int value) {
        if ((value & (HARD_RESET | SOFT_RESET)) != 0) {
            reset((value & HARD_RESET) != 0);
        } else {
            if ((value & BUS_RESET) != 0) {
                mailboxes.bus().resetBus(); // the driver ends its CCBs by itself
                interrupt(BUS_WAS_RESET);
            }
            if ((value & INTERRUPT_RESET) != 0) resetInterrupt();
        }
    }

    // -- interrupts --

    private void interrupt(int cause) {
        if (cause == INCOMING_LOADED && noticed) again = true;
        interrupts |= INTERRUPT_VALID | cause;
        signal();
    }

    /** A mailbox that was loaded after the driver has looked is told of once more: it may not have seen it. */
    private void resetInterrupt() {
        interrupts = again ? INTERRUPT_VALID | INCOMING_LOADED : 0;
        noticed = again = false;
        mailboxes.proceed();
        signal();
    }

    private void signal() {
        boolean wanted = interruptsOn && interrupts != 0;
        if (wanted == level) return;
        level = wanted;
        line.set(wanted);
    }

    // -- commands --

    private void command(int value) {
        if (command != NONE) {
            parameters[given++] = (byte) value;
            if (command == 0x21 && given == 1) parameters = Arrays.copyOf(parameters, 1 + value); // the first says how many follow
            else if (command == 0x90 && given == 2) parameters = Arrays.copyOf(parameters, 2 + value);
        } else {
            invalid = false;
            answer = new byte[0];
            command = value;
            parameters = new byte[Math.max(0, parametersOf(value))];
            given = 0;
        }
        if (given < parameters.length) return;
        int complete = command;
        command = NONE;
        execute(complete);
    }

    /** How many bytes follow a command; -1 if there is no such command. */
    private static int parametersOf(int command) {
        return switch (command) {
            case 0x00, 0x02, 0x04, 0x0A, 0x0B, 0x20, 0x23, 0x24, 0x84, 0x85, 0x86 -> 0;
            case 0x05, 0x07, 0x08, 0x09, 0x0D, 0x1F, 0x21, 0x25, 0x8B, 0x8C, 0x8D, 0x8F, 0x95, 0x96 -> 1;
            case 0x90, 0x91 -> 2;
            case 0x06 -> 4;
            case 0x81 -> 5;
            default -> -1;
        };
    }

    private int parameter(int index) { return parameters[index] & 0xFF; }

    private void execute(int complete) {
        switch (complete) {
            case 0x02 -> { // EXECUTE MAILBOX COMMAND
                if (initialized && function.isBusMaster()) mailboxes.scan();
                else context.misuse("mailbox command to a SCSI adapter that is not initialized");
                return; // without an interrupt
            }
            case 0x05 -> { // ENABLE OUTGOING MAILBOX AVAILABLE INTERRUPT
                outgoingInterrupts = parameter(0) != 0;
                return;
            }
            case 0x95 -> { // MODIFY I/O ADDRESS
                if (parameter(0) <= ISA_DISABLED) moveIsa(parameter(0));
                else invalid = true;
                return;
            }
            case 0x00, 0x06, 0x07, 0x08, 0x09, 0x20, 0x21, 0x96 -> { } // times and options that nothing here depends on
            case 0x25 -> interruptsOn = parameter(0) != 0;
            case 0x81 -> initialize();
            case 0x8F -> mailboxes.strict(parameter(0) != 0);
            case 0x90 -> store();
            default -> answer = parametersOf(complete) < 0 ? null : inquire(complete);
        }
        if (answer == null) {
            answer = new byte[0];
            invalid = true;
        }
        taken = 0;
        if (answer.length == 0) interrupt(COMMAND_COMPLETE);
        else signal();
    }

    private int takeAnswer() {
        if (taken >= answer.length) return 0;
        int value = answer[taken++] & 0xFF;
        if (taken == answer.length) {
            answer = new byte[0];
            interrupt(COMMAND_COMPLETE);
        }
        return value;
    }

    /** INITIALIZE EXTENDED MAILBOX. */
    private void initialize() {
        int base = parameter(1) | parameter(2) << 8 | parameter(3) << 16 | parameter(4) << 24;
        initialized = parameter(0) > 0;
        invalid = !initialized;
        if (initialized) mailboxes.initialize(parameter(0), base);
    }

    /** STORE HOST ADAPTER LOCAL RAM. */
    private void store() {
        int first = parameter(0), length = parameters.length - 2;
        if (first + length <= RAM_BYTES) System.arraycopy(parameters, 2, ram, first, length);
        else invalid = true;
    }

    // -- what it tells of itself --

    /** @return null if the parameters are wrong */
    private byte[] inquire(int command) {
        switch (command) {
            case 0x04: return ascii("AA50");                                        // INQUIRE BOARD ID: type, features, firmware 5.0
            case 0x84: return ascii("7");                                           // third digit of the firmware version
            case 0x85: return ascii("B");                                           // its letter
            case 0x8B: return Arrays.copyOf(ascii("958  "), parameter(0));          // HOST ADAPTER MODEL NUMBER
            case 0x0A: return devices(0);
            case 0x23: return devices(8);
            case 0x24: return ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN).putShort((short) mailboxes.bus().targets()).array();
            case 0x0B: return new byte[] {0, (byte) irqChannel(), ScsiBus.ADAPTER_ID}; // CONFIGURATION: no DMA channel
            case 0x0D: return Arrays.copyOf(setup(), parameter(0));
            case 0x1F: return new byte[] {(byte) parameter(0)};                     // ECHO
            case 0x86: return new byte[] {(byte) isaPorts, (byte) irq(), (byte) 0x83, 0}; // both ends of the bus terminated
            case 0x8C: return Arrays.copyOf(periods(), parameter(0));
            case 0x8D: return Arrays.copyOf(extendedSetup(), parameter(0));
            case 0x91: // FETCH HOST ADAPTER LOCAL RAM
                int count = parameter(1) == 0 ? RAM_BYTES : parameter(1);
                return parameter(0) + count > RAM_BYTES ? null : Arrays.copyOfRange(ram, parameter(0), parameter(0) + count);
            default: return null;
        }
    }

    private static byte[] ascii(String text) { return text.getBytes(StandardCharsets.US_ASCII); }

    /** INQUIRE INSTALLED DEVICES: a byte for each of eight targets, with a bit for each LUN. */
    private byte[] devices(int first) {
        byte[] units = new byte[8];
        for (int i = 0; i < 8; i++) if (mailboxes.bus().present(first + i)) units[i] = 1;
        return units;
    }

    private int irq() { return function.register(PciFunction.INTERRUPT_LINE, 1); }

    /** Bits for IRQ 9, 10, 11, 12, 14 and 15. */
    private int irqChannel() {
        int irq = irq();
        return irq >= 9 && irq <= 15 && irq != 13 ? 1 << irq - 9 : 0;
    }

    /** INQUIRE SETUP INFORMATION. All devices are wide, and synchronous with 20 megatransfers and an offset of 15. */
    private byte[] setup() {
        byte[] setup = new byte[34];
        int targets = mailboxes.bus().targets();
        setup[0] = 0x03; // synchronous negotiation, parity
        setup[2] = 7;    // microseconds on the host's bus
        setup[3] = 4;    // and off it
        setup[4] = (byte) mailboxes.count();
        for (int i = 0; i < 3; i++) setup[5 + i] = (byte) (mailboxes.base() >>> 8 * (2 - i));
        for (int i = 0; i < ScsiBus.TARGETS; i++) if ((targets >> i & 1) != 0) setup[(i < 8 ? 8 : 14) + i] = (byte) 0x8F;
        setup[16] = setup[30] = (byte) 0xFF; // disconnects
        setup[17] = 'B';
        setup[18] = 'D';
        setup[19] = 'E'; // bus with 32 bits
        setup[20] = setup[32] = (byte) 0xFF; // may be wide
        setup[21] = (byte) targets;
        setup[33] = (byte) (targets >> 8);
        return setup;
    }

    /** INQUIRE SYNCHRONOUS PERIOD, in units of 10 ns. */
    private byte[] periods() {
        byte[] periods = new byte[ScsiBus.TARGETS];
        for (int i = 0; i < periods.length; i++) if (mailboxes.bus().present(i)) periods[i] = 5;
        return periods;
    }

    private byte[] extendedSetup() {
        return ByteBuffer.allocate(14).order(ByteOrder.LITTLE_ENDIAN)
            .put((byte) 'E').put((byte) 0)              // bus; no BIOS
            .putShort((short) 8192)                     // elements of a scatter-gather list
            .put((byte) mailboxes.count()).putInt(mailboxes.base())
            .put((byte) 0x40)                           // the interrupt is a level
            .put(ascii("07B"))
            .put((byte) 0x09).array();                  // wide and Ultra
    }

    /** The configuration that AutoSCSI stores in the adapter. */
    private void setUp() {
        Arrays.fill(ram, (byte) 0);
        ByteBuffer data = ByteBuffer.wrap(ram).order(ByteOrder.LITTLE_ENDIAN);
        data.position(SETUP_AT);
        data.put(ascii("FA")).put((byte) 64).put(ascii("958   ")).put((byte) 0)
            .put((byte) 0x04)                           // the interrupt is a level
            .putShort((short) 0).put((byte) 0)          // no DMA channel, IRQ by PCI, rate
            .put((byte) ScsiBus.ADAPTER_ID)
            .put((byte) 0xB7)                           // terminated, parity, fast, resets the bus, active negation
            .put((byte) 7).put((byte) 4)                // microseconds on and off the host's bus
            .put((byte) 0x24)                           // extended translation, more than two drives; no BIOS
            .putShort((short) -1).putShort((short) -1)  // devices enabled, wide
            .putShort((short) -1).putShort((short) -1)  // fast, synchronous
            .putShort((short) -1).putShort((short) 0)   // disconnect; started by nobody
            .putShort((short) 0).put((byte) 0x01)       // INTA#
            .putShort((short) -1);                      // Ultra
        data.put(SETUP_AT + 41, (byte) 7);              // highest LUN
        int sum = 0;
        for (int i = 0; i < 62; i++) sum += ram[SETUP_AT + i] & 0xFF;
        data.putShort(SETUP_AT + 62, (short) sum);
    }

    // -- ISA-compatible ports --

    private void moveIsa(int choice) {
        isaPorts = choice;
        claimIsa(choice < ISA_PORTS.length ? ISA_PORTS[choice] : 0);
        if (isaBase == 0) isaPorts = ISA_DISABLED;
    }

    private void claimIsa(int base) {
        if (base == isaBase) return;
        if (isaBase != 0) context.releasePorts(isaBase, ISA_BYTES);
        isaBase = 0;
        if (base == 0) return;
        try {
            context.claimPorts(base, ISA_BYTES, ports);
            isaBase = base;
        } catch (IllegalStateException e) {
            // somebody else is there, such as another adapter of this kind
        }
    }
}
