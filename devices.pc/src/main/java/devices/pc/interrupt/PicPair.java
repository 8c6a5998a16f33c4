package devices.pc.interrupt;

import devices.pc.bus.ByteChip;
import vmkernel.api.handover.StateRecord;

/** The two 8259A of a PC with the slave on IR2 of the master [PIIX4 4.2]: ISA IRQ 0 to 15 in, INTR out. */
public final class PicPair {
    private static final int CASCADE = 2;

    private final Pic8259 master = new Pic8259(1 << CASCADE, 0xF8);
    private final Pic8259 slave = new Pic8259(0, 0xDE);
    private final Runnable changed;

    /** @param changed told after each access that may have changed {@link #intr} */
    public PicPair(Runnable changed) { this.changed = changed; }

    /** As a PC's firmware leaves them: vectors 08h and 70h, all masked. */
    public void reset() {
        master.reset(0x08);
        slave.reset(0x70);
        cascade();
    }

    void exchange(StateRecord state) {
        master.exchange(state.child("master"));
        slave.exchange(state.child("slave"));
    }

    /** Drives an IRQ; 2 is the cascade and is not connected. Does not call {@code changed}. */
    public void input(int irq, boolean level) {
        if (irq == CASCADE) return;
        chip(irq).input(irq & 7, level);
        cascade();
    }

    /** Takes up a level without making an edge. */
    public void restore(int irq, boolean level) {
        if (irq == CASCADE) return;
        chip(irq).restore(irq & 7, level);
        cascade();
    }

    public boolean intr() { return master.intr(); }

    /** True if this IRQ waits for its acknowledge and is not masked on its way. */
    public boolean waits(int irq) {
        return irq < 8 ? master.waits(irq) : slave.waits(irq & 7) && master.waits(CASCADE);
    }

    public boolean masked(int irq) { return chip(irq).masked(irq & 7) || irq >= 8 && master.masked(CASCADE); }

    /** Both INTA pulses: the vector, 0 to 255. Does not call {@code changed}. */
    public int acknowledge() {
        int ir = master.acknowledge();
        if (ir != CASCADE || master.single()) return master.vector(ir);
        int vector = slave.vector(slave.acknowledge());
        resense();
        return vector;
    }

    /** Ports 20h and 21h. */
    public ByteChip masterPorts() { return ports(master); }

    /** Ports A0h and A1h. */
    public ByteChip slavePorts() { return ports(slave); }

    /** ELCR, ports 4D0h and 4D1h: a 1 makes the IRQ level triggered. */
    public ByteChip edgeLevelPorts() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return (offset == 0 ? master : slave).elcr(); }

            @Override
            public void write(int offset, int value) {
                (offset == 0 ? master : slave).elcr(value);
                cascade();
                changed.run();
            }
        };
    }

    private Pic8259 chip(int irq) { return irq < 8 ? master : slave; }

    private void cascade() { master.input(CASCADE, slave.intr()); }

    /** INT of the slave falls while it acknowledges, so that a further request makes a new edge. */
    private void resense() {
        master.input(CASCADE, false);
        cascade();
    }

    private ByteChip ports(Pic8259 chip) {
        return new ByteChip() {
            @Override
            public int read(int offset) {
                boolean acknowledges = chip.polled();
                int value = chip.read(offset);
                if (acknowledges) {
                    if (chip == slave) resense();
                    changed.run();
                }
                return value;
            }

            @Override
            public void write(int offset, int value) {
                chip.write(offset, value);
                cascade();
                changed.run();
            }
        };
    }
}
