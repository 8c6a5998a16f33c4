package monitor.x86.fpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** This machine's own floating-point unit: a small C program, built here, that executes single instructions. */
final class HostFpu implements AutoCloseable {
    /** Layout of a request: code, RAX, flags, memory at RSI, FXSAVE area. */
    static final int RAX = 16;
    static final int FLAGS = 24;
    static final int MEMORY = 32;
    static final int AREA = 160;
    static final int REQUEST_BYTES = AREA + 512;
    /** A reply begins with the number of the signal that stopped the instruction, or 0; then as a request from RAX on. */
    static final int REPLY_BYTES = 8 + REQUEST_BYTES - RAX;

    private final Path directory;
    private final Process process;
    private final OutputStream requests;
    private final DataInputStream replies;

    HostFpu() throws IOException, InterruptedException {
        assumeTrue(Files.readString(Path.of("/proc/cpuinfo")).contains("GenuineIntel"),
                "the floating point of other makers differs from Intel's in details that these tests look at");
        directory = Files.createTempDirectory("hostfpu");
        Path source = directory.resolve("hostfpu.c");
        try (InputStream in = HostFpu.class.getResourceAsStream("hostfpu.c")) {
            Files.copy(in, source);
        }
        Path program = directory.resolve("hostfpu");
        Process compiler;
        try {
            compiler = new ProcessBuilder("gcc", "-O1", "-mno-red-zone", "-o", program.toString(), source.toString())
                    .redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new AssertionError("gcc is missing: install the Debian package gcc (and libc6-dev)", e);
        }
        String messages = new String(compiler.getInputStream().readAllBytes());
        if (compiler.waitFor() != 0) {
            throw new AssertionError("gcc could not build the helper (Debian packages gcc and libc6-dev): " + messages);
        }
        process = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        requests = new BufferedOutputStream(process.getOutputStream(), 1 << 16);
        replies = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    /** Executes a batch; replies have the layout of requests, with the signal number in place of the code. */
    byte[][] execute(List<byte[]> batch) throws IOException {
        CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
            try {
                byte[] count = new byte[4];
                view(count).putInt(batch.size());
                requests.write(count);
                for (byte[] request : batch) {
                    requests.write(request);
                }
                requests.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        byte[][] results = new byte[batch.size()][REQUEST_BYTES];
        for (byte[] result : results) {
            replies.readFully(result, RAX - 8, REPLY_BYTES);
        }
        writer.join();
        return results;
    }

    static ByteBuffer view(byte[] record) {
        return ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN);
    }

    static int signal(byte[] reply) {
        return reply[RAX - 8];
    }

    @Override
    public void close() throws IOException {
        requests.close();
        process.destroy();
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
