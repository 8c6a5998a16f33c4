package devices.pc.chipset;

import devices.pc.bus.ByteChip;
import java.util.Arrays;
import java.util.function.Consumer;
import vmkernel.api.handover.StateRecord;

/** The single registers of the PIIX4's ISA side: page registers with the POST code, port 92h, coprocessor error. */
final class SystemPorts {
    private static final int FAST_INIT = 0x01, FAST_A20 = 0x02;

    private final byte[] pages = new byte[16]; // 80h to 8Fh
    private final Consumer<Boolean> a20;
    private final Runnable init, ignoreNumericError;
    private int port92;

    SystemPorts(Consumer<Boolean> a20, Runnable init, Runnable ignoreNumericError) {
        this.a20 = a20;
        this.init = init;
        this.ignoreNumericError = ignoreNumericError;
    }

    /** As firmware leaves it, with A20 on. */
    void reset() {
        Arrays.fill(pages, (byte) 0);
        port92 = FAST_A20;
    }

    void exchange(StateRecord state) {
        state.fill("pages", pages);
        port92 = state.exchange("port92", port92);
    }

    boolean a20() { return (port92 & FAST_A20) != 0; }

    /** The A20 gate was switched from elsewhere; port 92h shows the state of the one line that there is. */
    void a20(boolean on) { port92 = on ? port92 | FAST_A20 : port92 & ~FAST_A20; }

    /** Ports 80h to 8Fh: DMA pages; those without a channel, such as 80h, keep what is written. */
    ByteChip pagePorts() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return pages[offset] & 0xFF; }

            @Override
            public void write(int offset, int value) { pages[offset] = (byte) value; }
        };
    }

    /** Port 92h: fast A20 and fast INIT. */
    ByteChip port92() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return port92; }

            @Override
            public void write(int offset, int value) {
                boolean pulse = (value & ~port92 & FAST_INIT) != 0;
                port92 = value & (FAST_A20 | FAST_INIT);
                a20.accept((value & FAST_A20) != 0);
                if (!pulse) return;
                port92 &= ~FAST_INIT;
                init.run();
            }
        };
    }

    /** Ports F0h and F1h: a write to F0h makes the CPU ignore the pending x87 error; F1h reset a separate coprocessor. */
    ByteChip coprocessorPorts() {
        return new ByteChip() {
            @Override
            public int read(int offset) { return 0xFF; }

            @Override
            public void write(int offset, int value) {
                if (offset == 0) ignoreNumericError.run();
            }
        };
    }
}
