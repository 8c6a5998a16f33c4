package host.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import vmkernel.api.host.HostTerminal;
import vmkernel.api.memory.HostMemory;

/** The terminal on standard input and output [Linux] termios. */
final class Terminal implements HostTerminal {
    private static final int INPUT = 0, OUTPUT = 1;
    private static final int TERMIOS = 128; // more than any C library's
    private static final int TCSADRAIN = 1;
    private static final int TIOCGWINSZ = 0x5413;

    /** As it was before it was raw; null if it is not. Guarded by this. */
    private byte[] before;

    @Override
    public boolean present() {
        if (!isDevice(INPUT) || !isDevice(OUTPUT)) return false; // without JNA, which may not be needed after all
        try {
            Libc.load();
            return Libc.isatty(INPUT) == 1 && Libc.isatty(OUTPUT) == 1;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isDevice(int fd) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).startsWith("/dev");
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public synchronized AutoCloseable raw() throws IOException {
        Libc.load();
        if (before != null) throw new IOException("the terminal is raw already");
        long termios = HostMemory.allocate(TERMIOS);
        try {
            HostMemory.fill(termios, TERMIOS, (byte) 0);
            if (Libc.tcgetattr(INPUT, termios) < 0) throw new IOException("standard input is no terminal: " + Libc.reason(Libc.errno()));
            byte[] now = new byte[TERMIOS];
            HostMemory.read(termios, now, 0, TERMIOS);
            Libc.cfmakeraw(termios);
            if (Libc.tcsetattr(INPUT, TCSADRAIN, termios) < 0) throw new IOException("the terminal cannot be made raw: " + Libc.reason(Libc.errno()));
            before = now;
        } finally {
            HostMemory.free(termios);
        }
        return this::restore;
    }

    /** Back to what it was; nothing if it is so already. */
    synchronized void restore() {
        if (before == null) return;
        long termios = HostMemory.allocate(TERMIOS);
        HostMemory.write(termios, before, 0, TERMIOS);
        Libc.tcsetattr(INPUT, TCSADRAIN, termios);
        HostMemory.free(termios);
        before = null;
    }

    @Override
    public int[] size() {
        if (!isDevice(OUTPUT)) return new int[] {80, 24};
        long answer = HostMemory.allocate(8);
        try {
            Libc.load();
            HostMemory.putLong(answer, 0);
            Libc.ioctl(OUTPUT, TIOCGWINSZ, answer);
            int rows = HostMemory.getShort(answer) & 0xFFFF, columns = HostMemory.getShort(answer + 2) & 0xFFFF;
            return rows == 0 || columns == 0 ? new int[] {80, 24} : new int[] {columns, rows};
        } catch (IOException e) {
            return new int[] {80, 24};
        } finally {
            HostMemory.free(answer);
        }
    }
}
