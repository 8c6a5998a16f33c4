package vmfs.impl.lock;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import vmfs.impl.format.Uuid;

/**
 * Who holds a heartbeat, as this project notes it behind what ESX has there: so that it is known which hosts keep to this journal, and
 * whether a process of this very machine is still alive. u32 magic at 0x100; u64 process at 0x108; its start at 0x110; 16 bytes that name the
 * machine's boot at 0x118.
 *
 * @param uuid of the host; @param name for people
 */
public record Host(Uuid uuid, String name) {
    /** "HVHB". */
    private static final int MAGIC = 0x42485648, AT = 0x100;
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

    void note(ByteBuffer slot) {
        UUID boot = boot();
        ProcessHandle self = ProcessHandle.current();
        slot.putInt(AT, MAGIC).putLong(AT + 8, self.pid()).putLong(AT + 16, start(self)).putLong(AT + 24, boot.getMostSignificantBits()).putLong(AT + 32, boot.getLeastSignificantBits());
    }

    /** Whether the holder keeps to the journal of this project. */
    static boolean ours(ByteBuffer slot) { return slot.getInt(AT) == MAGIC; }

    /** Whether the process that holds a slot is surely gone, or this one: a device is nobody else's in one process. */
    static boolean gone(ByteBuffer slot) {
        UUID boot = boot();
        boolean here = slot.getLong(AT + 24) == boot.getMostSignificantBits() && slot.getLong(AT + 32) == boot.getLeastSignificantBits() && boot.getMostSignificantBits() != 0;
        if (!here) return false;
        long pid = slot.getLong(AT + 8);
        if (pid == ProcessHandle.current().pid()) return true;
        return ProcessHandle.of(pid).map(process -> start(process) != slot.getLong(AT + 16)).orElse(true);
    }

    private static long start(ProcessHandle process) { return process.info().startInstant().map(start -> start.toEpochMilli()).orElse(0L); }

    private static UUID boot() {
        try {
            return UUID.fromString(Files.readString(BOOT).strip());
        } catch (IOException | IllegalArgumentException e) {
            return new UUID(0, 0);
        }
    }
}
