package firmware.bios;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.GuestMemory;

/**
 * A file that a guest is started from, open for reading. Every failure is a {@link BootException} that names the key of the
 * configuration and the file. One thread.
 */
final class BootFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final String key;
    private final Path path;
    private final FileChannel channel;
    private final long size;

    private BootFile(String key, Path path, FileChannel channel, long size) {
        this.key = key;
        this.path = path;
        this.channel = channel;
        this.size = size;
    }

    /** @param key what named the file in the configuration, for messages */
    static BootFile open(String key, Path path) throws BootException {
        if (!Files.exists(path)) throw new BootException(key + ": " + path + ": no such file");
        if (!Files.isRegularFile(path)) throw new BootException(key + ": " + path + ": is not a regular file");
        if (!Files.isReadable(path)) throw new BootException(key + ": " + path + ": no permission to read it");
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            return new BootFile(key, path, channel, channel.size());
        } catch (IOException e) {
            throw new BootException(key + ": " + path + ": cannot be read: " + reason(e), e);
        }
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /** Length in bytes. */
    long size() { return size; }

    /** What is wrong with this file, as an exception to throw. */
    BootException fault(String what) { return new BootException(key + ": " + path + ": " + what); }

    /** {@code length} bytes at {@code offset}. @throws BootException if the file ends before */
    byte[] bytes(long offset, int length) throws BootException {
        byte[] bytes = new byte[length];
        read(offset, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** The first bytes, {@code most} of them or the whole file if it is shorter. */
    byte[] head(int most) throws BootException { return bytes(0, (int) Math.min(most, size)); }

    /** Copies a part of the file into guest memory, a piece at a time: an initrd may be bigger than our heap. */
    void load(long offset, long length, GuestMemory memory, long address) throws BootException {
        byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, length)];
        for (long done = 0; done < length; done += chunk.length) {
            int part = (int) Math.min(chunk.length, length - done);
            read(offset + done, ByteBuffer.wrap(chunk, 0, part));
            memory.write(address + done, chunk, 0, part);
        }
    }

    private void read(long offset, ByteBuffer to) throws BootException {
        if (offset < 0 || offset + to.remaining() > size) {
            throw fault("is truncated: " + (offset + to.remaining()) + " bytes are needed, the file has " + size);
        }
        try {
            long at = offset;
            while (to.hasRemaining()) {
                int count = channel.read(to, at);
                if (count < 0) throw fault("became shorter while it was read");
                at += count;
            }
        } catch (IOException e) {
            throw new BootException(key + ": " + path + ": cannot be read: " + reason(e), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // nothing was written: there is nothing to lose
        }
    }
}
