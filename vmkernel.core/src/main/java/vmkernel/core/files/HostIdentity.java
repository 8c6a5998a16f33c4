package vmkernel.core.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who this host is for those that share a device with it. The name of an installation is in a file below its folder; processes that
 * run at the same time are hosts of their own, so each takes the first file that no other has locked. Found when it is first asked for.
 */
final class HostIdentity implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostIdentity.class);
    private static final int MOST = 1000;

    private final Path folder;
    private FileChannel channel;
    private String uuid;

    /** @param folder made when it is needed; the files in it are {@code 0}, {@code 1} ... */
    HostIdentity(Path folder) { this.folder = folder; }

    /** {@code %08x-%08x-%04x-%12x}. */
    synchronized String uuid() {
        if (uuid == null) uuid = find();
        return uuid;
    }

    private String find() {
        try {
            Files.createDirectories(folder);
            for (int i = 0; i < MOST; i++) {
                String found = take(folder.resolve(String.valueOf(i)));
                if (found != null) return found;
            }
        } catch (IOException e) {
            LOG.warn("{}: {}; this host is another one for VMFS at its next start", folder, e.getMessage());
        }
        return random();
    }

    /** @return null if another process has it */
    private String take(Path file) throws IOException {
        FileChannel opened = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock = opened.tryLock();
            if (lock == null) {
                opened.close();
                return null;
            }
            ByteBuffer text = ByteBuffer.allocate(64);
            opened.read(text, 0);
            String known = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
            if (!known.matches("[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}")) {
                known = random();
                opened.truncate(0).write(ByteBuffer.wrap((known + "\n").getBytes(StandardCharsets.US_ASCII)), 0);
                opened.force(true);
            }
            channel = opened;
            return known;
        } catch (OverlappingFileLockException e) {
            opened.close(); // LIMIT: of another kernel in this process, whose lock goes with it
            return null;
        } catch (IOException e) {
            opened.close();
            throw e;
        }
    }

    private static String random() {
        SecureRandom random = new SecureRandom();
        return String.format("%08x-%08x-%04x-%012x", (int) (System.currentTimeMillis() / 1000), random.nextInt(), random.nextInt(1 << 16), random.nextLong() & 0xFFFF_FFFF_FFFFL);
    }

    /** For people. */
    String name() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "localhost";
        }
    }

    @Override
    public synchronized void close() {
        if (channel == null) return;
        try {
            channel.close();
        } catch (IOException e) {
            LOG.warn("{}: {}", folder, e.getMessage());
        }
        channel = null;
        uuid = null;
    }
}
