package vmfs.impl.lock;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import vmfs.impl.format.LockSector;
import vmfs.impl.format.Uuid;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.VmFile.Mode;

/**
 * Locks of files, in the first sectors of their descriptors. The sectors to be changed are a transaction's, so that the device is
 * reserved. [VMFS] sections 4 and 13
 */
public final class FileLocks {
    private final Heartbeats heartbeats;

    public FileLocks(Heartbeats heartbeats) { this.heartbeats = heartbeats; }

    /** Gives a file to this host. @param mode WRITE or SHARE @throws FileLockedException if somebody has it */
    public void acquire(LockSector lock, Mode mode, String path) throws IOException {
        requireFree(lock, mode, path);
        boolean share = mode == Mode.SHARE;
        lock.token(lock.token() + 1);
        if (!share) lock.holders(0);
        if (share && lock.mode() != LockSector.SHARED) lock.holders(0);
        lock.mode(share ? LockSector.SHARED : LockSector.EXCLUSIVE);
        lock.heartbeat(heartbeats.address());
        lock.heartbeatGeneration(heartbeats.generation());
        lock.owner(share ? Uuid.NONE : heartbeats.host());
        if (share) addHolder(lock, path);
    }

    private void addHolder(LockSector lock, String path) throws IOException {
        for (int i = holders(lock) - 1; i >= 0; i--) if (own(lock, i) || !alive(lock, i, true)) removeHolder(lock, i);
        int count = holders(lock);
        if (count == LockSector.MAX_HOLDERS) throw new FileLockedException(path, "is shared by " + count + " hosts already, which are all there can be");
        lock.holderHeartbeat(count, heartbeats.address());
        lock.holderGeneration(count, heartbeats.generation());
        lock.holder(count, heartbeats.host());
        lock.holders(count + 1);
    }

    private static int holders(LockSector lock) { return Math.max(0, Math.min(lock.holders(), LockSector.MAX_HOLDERS)); }

    private boolean own(LockSector lock, int i) { return lock.holderHeartbeat(i) == heartbeats.address() && lock.holderGeneration(i) == heartbeats.generation(); }

    private boolean alive(LockSector lock, int i, boolean breaking) throws IOException { return heartbeats.alive(lock.holderHeartbeat(i), lock.holderGeneration(i), breaking); }

    private static void removeHolder(LockSector lock, int i) {
        int last = holders(lock) - 1;
        lock.holderHeartbeat(i, lock.holderHeartbeat(last));
        lock.holderGeneration(i, lock.holderGeneration(last));
        lock.holder(i, lock.holder(last));
        lock.holderHeartbeat(last, 0);
        lock.holderGeneration(last, 0);
        lock.holder(last, Uuid.NONE);
        lock.holders(last);
    }

    /** Gives a file up. */
    public void release(LockSector lock, Mode mode) {
        if (mode == Mode.WRITE) {
            if (lock.mode() == LockSector.EXCLUSIVE && lock.heartbeat() == heartbeats.address() && lock.heartbeatGeneration() == heartbeats.generation()) free(lock);
            return;
        }
        if (lock.mode() != LockSector.SHARED) return;
        for (int i = holders(lock) - 1; i >= 0; i--) if (own(lock, i)) removeHolder(lock, i);
        if (holders(lock) == 0) free(lock);
    }

    private static void free(LockSector lock) {
        lock.mode(LockSector.FREE);
        lock.owner(Uuid.NONE);
        lock.token(lock.token() + 1);
    }

    /** Whether this host has a file as it thinks: nobody has taken its lock away. */
    public boolean holds(LockSector lock, Mode mode) {
        if (mode == Mode.WRITE) return lock.mode() == LockSector.EXCLUSIVE && lock.heartbeat() == heartbeats.address() && lock.heartbeatGeneration() == heartbeats.generation();
        for (int i = 0; i < holders(lock); i++) if (own(lock, i)) return lock.mode() == LockSector.SHARED;
        return false;
    }

    /** @param mode what the file is wanted for @throws FileLockedException if somebody has it who lives */
    public void requireFree(LockSector lock, Mode mode, String path) throws IOException {
        if (mode == Mode.SHARE && lock.mode() == LockSector.SHARED) return;
        List<String> who = who(lock, true);
        if (!who.isEmpty()) throw new FileLockedException(path, String.join(", ", who));
    }

    /** One line for each who has a file and lives. @param breaking whether a host that turns out to be dead loses its heartbeat */
    public List<String> who(LockSector lock, boolean breaking) throws IOException {
        List<String> who = new ArrayList<>();
        if (lock.mode() == LockSector.SHARED) {
            for (int i = 0; i < holders(lock); i++) {
                if (alive(lock, i, breaking)) who.add("is open for sharing on " + heartbeats.name(lock.holderHeartbeat(i), lock.holder(i)));
            }
        } else if (lock.mode() != LockSector.FREE && heartbeats.alive(lock.heartbeat(), lock.heartbeatGeneration(), breaking)) {
            who.add("is open for writing on " + heartbeats.name(lock.heartbeat(), lock.owner()));
        }
        return who;
    }
}
