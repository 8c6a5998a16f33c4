package drivers.e100;

import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;

/** One card of a {@link Qemu}, as the kernel gives it to a driver. Its interrupts come on a thread of its own. */
final class QemuCard implements PciDevice, AutoCloseable {
    private static final int FIRST_SLOT = 4, BAR0 = 0x10, WINDOW = 0x1000, COMMAND_BYTE = 2;
    private static final long WINDOWS = 0xE000_0000L;
    private static final int CARD_MEMORY = 12 << 20;

    private final Qemu qemu;
    private final int slot;
    private final PciId id;
    private final GuardedMemory memory;
    private final Object interrupts = new Object();
    private volatile InterruptHandler handler;
    private boolean line, held, closed, busy;
    private int inVain;

    QemuCard(Qemu qemu, int number) {
        this.qemu = qemu;
        slot = FIRST_SLOT + number;
        memory = new GuardedMemory(vmkernel.api.memory.HostMemory.addressOf(qemu.ram()), CARD_MEMORY * (number + 1L), CARD_MEMORY);
        qemu.config(slot, BAR0, 4, (int) window());
        id = new PciId(readConfig(0, 2), readConfig(2, 2), readConfig(0x2C, 2), readConfig(0x2E, 2), readConfig(8, 4) >>> 8, readConfig(8, 1));
        Thread thread = new Thread(this::serve, "irq-" + slot);
        thread.setDaemon(true);
        thread.start();
    }

    /** All cards of a machine. */
    static QemuCard[] all(Qemu qemu, int count) {
        QemuCard[] cards = new QemuCard[count];
        for (int i = 0; i < count; i++) cards[i] = new QemuCard(qemu, i);
        qemu.onInterruptLine((number, level) -> {
            for (QemuCard card : cards) if (Qemu.lineOfSlot(card.slot) == number) card.line(level);
        });
        return cards;
    }

    private long window() { return WINDOWS + (long) slot * WINDOW; }

    private void line(boolean level) {
        synchronized (interrupts) {
            line = level;
            interrupts.notifyAll();
        }
    }

    /** Keeps the handler from being called, as a busy host would. */
    void hold(boolean hold) {
        synchronized (interrupts) {
            held = hold;
            interrupts.notifyAll();
        }
    }

    private void serve() {
        while (true) {
            InterruptHandler now;
            synchronized (interrupts) {
                busy = false;
                interrupts.notifyAll();
                while (!closed && (!line || held || handler == null)) await();
                if (closed) return;
                now = handler;
                busy = true;
            }
            inVain = now.interrupt() ? 0 : inVain + 1;
            if (inVain == 1000) System.err.println("slot " + slot + ": the interrupt line stays up, nobody feels responsible");
        }
    }

    private void await() {
        try {
            interrupts.wait();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** How often the handler said in a row that it was not its device. */
    int inVain() { return inVain; }

    GuardedMemory memory() { return memory; }

    @Override
    public PciAddress address() { return new PciAddress(0, slot, 0); }

    @Override
    public PciId id() { return id; }

    @Override
    public int readConfig(int offset, int bytes) { return qemu.config(slot, offset, bytes); }

    @Override
    public void writeConfig(int offset, int bytes, int value) { qemu.config(slot, offset, bytes, value); }

    @Override
    public int windowBytes(int bar) { return bar == 0 ? WINDOW : 0; }

    @Override
    public long read(int bar, int offset, int bytes) { return qemu.read(window() + offset, bytes); }

    /** A command has been executed when this returns, as if a processor of the machine had given it; other writes arrive later. */
    @Override
    public void write(int bar, int offset, int bytes, long value) {
        qemu.write(window() + offset, bytes, value);
        if (offset == COMMAND_BYTE) read(bar, offset, 1);
    }

    @Override
    public DmaBuffer allocate(int bytes, int alignment) { return memory.allocate(bytes, alignment); }

    @Override
    public void onInterrupt(InterruptHandler answer) {
        synchronized (interrupts) {
            handler = answer;
            interrupts.notifyAll();
        }
    }

    /** The port of the chip does most of what the pin would do. */
    @Override
    public void reset() {
        write(0, 0x08, 4, 0);
        write(0, 0x03, 1, 1);
        write(0, 0x01, 1, 0xFF);
        writeConfig(COMMAND, 2, COMMAND_MEMORY);
        readConfig(COMMAND, 2);
    }

    @Override
    public void close() {
        synchronized (interrupts) {
            closed = true;
            interrupts.notifyAll();
        }
    }
}
