package host.sim.bus;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;
import java.util.function.Function;
import vmkernel.api.hardware.PciDevice;

/**
 * A model in a PCI slot of QEMU, by its device x-pci-proxy-dev: configuration and register accesses come as messages over a Unix
 * socket, memory is the guest's, a file that we map too. Interrupts are told to whoever drives the guest's interrupt controller.
 */
public final class QemuProxy implements Slot, Closeable {
    private static final int RETURN = 1, CONFIG_WRITE = 2, CONFIG_READ = 3, BAR_WRITE = 4, BAR_READ = 5, RESET = 7;
    private static final int HEADER_BYTES = 16, REPLY_BYTES = 8;

    private final SocketChannel channel;
    private final SystemMemory memory;
    private final Consumer<Boolean> line;
    private final Model model;
    private final Configuration configuration;
    private boolean level;

    /** @param ram the guest's, from address 0 on @param line is told of every change of the pin */
    public QemuProxy(SocketChannel channel, ByteBuffer ram, Consumer<Boolean> line, Function<Slot, Model> model) {
        this.channel = channel;
        this.memory = new SystemMemory(ram);
        this.line = line;
        this.model = model.apply(this);
        configuration = new Configuration(this.model.id());
        for (Model.Window window : this.model.windows()) configuration.window(window, 0);
        configuration.interrupt(this.model.interruptPin(), 0);
        Thread thread = new Thread(this::serve, "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    /** The interrupt that the guest's firmware gave it. */
    public int interruptLine() { return configuration.read(Configuration.INTERRUPT_LINE, 1); }

    @Override public BusMemory memory() { return memory; }

    @Override
    public synchronized void interruptChanged() {
        boolean now = model.interrupt() && (configuration.command() & PciDevice.COMMAND_INTERRUPT_DISABLE) == 0;
        if (now != level) line.accept(level = now);
    }

    private void serve() {
        try {
            while (true) {
                ByteBuffer header = receive(HEADER_BYTES);
                int command = header.getInt(0);
                ByteBuffer content = receive((int) header.getLong(8));
                switch (command) {
                    case CONFIG_READ -> reply(configuration.read(content.getInt(0), content.getInt(8)) & ones(content.getInt(8)));
                    case CONFIG_WRITE -> {
                        configuration.write(content.getInt(0), content.getInt(8), content.getInt(4));
                        reply(0);
                    }
                    case BAR_READ -> reply(access(content, false));
                    case BAR_WRITE -> reply(access(content, true));
                    case RESET -> {
                        model.reset();
                        reply(0);
                    }
                    default -> { } // memory and interrupt descriptors, of which we use our own
                }
                if (command != CONFIG_READ) interruptChanged();
            }
        } catch (IOException e) {
            // the guest has ended
        }
    }

    private static long ones(int bytes) { return (1L << 8 * bytes) - 1; }

    private long access(ByteBuffer access, boolean write) {
        long address = access.getLong(0);
        int bytes = access.getInt(16);
        for (Model.Window window : model.windows()) {
            long offset = address - (configuration.read(Configuration.BAR0 + 4 * window.bar(), 4) & 0xFFFF_FFF0L);
            if (offset < 0 || offset >= window.bytes()) continue;
            if (!write) return model.read(window.bar(), (int) offset, bytes);
            model.write(window.bar(), (int) offset, bytes, access.getLong(8) & ones(bytes));
            return 0;
        }
        return -1;
    }

    private ByteBuffer receive(int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) if (channel.read(buffer) < 0) throw new EOFException();
        return buffer.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    private void reply(long value) throws IOException {
        ByteBuffer reply = ByteBuffer.allocate(HEADER_BYTES + REPLY_BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(0, RETURN).putLong(8, REPLY_BYTES).putLong(HEADER_BYTES, value);
        while (reply.hasRemaining()) channel.write(reply);
    }

    @Override
    public void close() throws IOException {
        channel.close();
        model.close();
    }
}
