package console.services;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Says to other processes that a virtual machine is on here: a lock on {@code NAME.vmx.lck} that holds the number of this
 * process. The lock goes with the process, whatever happens to it.
 *
 * <p>LIMIT: the other process can be named, but its machine can be neither asked nor stopped from here.
 */
final class PowerLock {
    private final Path file;
    private final FileChannel channel;

    private PowerLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** @throws CommandException in one line if another process has it */
    static PowerLock take(String name, Path vmx) {
        Path file = vmx.resolveSibling(vmx.getFileName() + ".lck");
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                channel.close();
                throw new CommandException(name + " is running elsewhere: process " + Files.readString(file).trim() + " has " + file);
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new PowerLock(file, channel);
        } catch (IOException e) {
            throw new CommandException(name + ": " + file + " cannot be locked: " + e.getMessage());
        }
    }

    void release() {
        try {
            Files.deleteIfExists(file);
            channel.close();
        } catch (IOException e) {
            // the lock ends with the process at the latest
        }
    }
}
