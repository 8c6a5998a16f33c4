package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.function.IntPredicate;
import vmfs.impl.format.Address;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LockSector;
import vmfs.impl.journal.Ledger;
import vmfs.impl.journal.Transaction;
import vmfs.impl.lock.FileLocks;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumeFullException;

/** Changes of a volume, each in one step. VMFS-3 and -5. Any thread. */
final class VolumeWriter {
    private static final int MAX_TARGET = 4096;

    private final Writing volume;
    private final Ledger ledger;
    private final FileLocks locks;
    private IntPredicate openHere = address -> false;

    VolumeWriter(Writing volume, Ledger ledger, FileLocks locks) {
        this.volume = volume;
        this.ledger = ledger;
        this.locks = locks;
    }

    /** @param test whether somebody on this host has a file open and locked, by the address of its descriptor; under the lock of the ledger */
    void openHere(IntPredicate test) { openHere = test; }

    /** A file's change. */
    interface Edit { void of(FileEditor file) throws IOException; }

    private Walk walk(Transaction transaction) { return new Walk(volume.geometry(), transaction, volume.names()::find); }

    /** Runs a change whose errors name a path. */
    <T> T change(String path, Ledger.Change<T> change) throws IOException {
        try {
            return ledger.change(change);
        } catch (VolumeFullException e) {
            throw e.getFile() != null ? e : new VolumeFullException(path, e.getReason());
        } catch (NoSuchFileException e) {
            throw e.getFile() != null ? e : new NoSuchFileException(path, null, e.getReason());
        } catch (FileSystemException | VolumeDamagedException e) {
            throw e;
        } catch (IOException e) {
            FileSystemException told = new FileSystemException(path, null, e.getMessage());
            told.initCause(e);
            throw told;
        }
    }

    private static FileSystemException refused(String path, String why) { return new FileSystemException(path, null, why); }

    /** Where something new is to be. */
    private Walk.Place vacant(Transaction transaction, String path) throws IOException {
        Walk.Place place = walk(transaction).find(path, false);
        if (place.exists()) throw new FileAlreadyExistsException(path);
        DirectoryEditor.requireName(path, place.name());
        requireOurs(path, place.directory());
        return place;
    }

    /** System files are the file system's own; so is the journal. */
    private void requireOurs(String path, FileDescriptor file) throws IOException {
        boolean journal = file.form() == FileDescriptor.FILE_BLOCKS && file.type() == FileDescriptor.FILE && file.block(0) != Address.HOLE
            && volume.geometry().locate(file.block(0), 0) == ledger.journalAddress();
        if (file.type() == FileDescriptor.SYSTEM || journal) throw refused(path, "belongs to the file system itself");
    }

    void mkdir(String path, int mode) throws IOException {
        change(path, transaction -> {
            Walk.Place place = vacant(transaction, path);
            FileEditor made = FileEditor.create(volume, transaction, FileDescriptor.DIRECTORY, mode & 07777);
            new DirectoryEditor(volume, made).dots(place.directory());
            DirectoryEditor parent = DirectoryEditor.of(volume, transaction, place.directory());
            parent.add(place.name(), made.descriptor());
            parent.descriptor().links(parent.descriptor().links() + 1);
            return null;
        });
    }

    /** Makes a file, which is locked for writing. @return its descriptor */
    FileDescriptor create(String path, int mode) throws IOException {
        return change(path, transaction -> {
            Walk.Place place = vacant(transaction, path);
            FileEditor made = FileEditor.create(volume, transaction, FileDescriptor.FILE, mode & 07777);
            locks.acquire(made.descriptor().lock(), Mode.WRITE, path);
            DirectoryEditor.of(volume, transaction, place.directory()).add(place.name(), made.descriptor());
            return made.copy();
        });
    }

    void symlink(String path, String target) throws IOException {
        byte[] text = target.getBytes(StandardCharsets.UTF_8);
        if (text.length == 0 || text.length > MAX_TARGET) throw refused(path, "a link's target has 1 to " + MAX_TARGET + " bytes");
        change(path, transaction -> {
            Walk.Place place = vacant(transaction, path);
            FileEditor made = FileEditor.create(volume, transaction, FileDescriptor.SYMLINK, 0777);
            made.write(0, ByteBuffer.wrap(text));
            DirectoryEditor.of(volume, transaction, place.directory()).add(place.name(), made.descriptor());
            return null;
        });
    }

    void link(String existing, String path) throws IOException {
        change(path, transaction -> {
            FileDescriptor file = walk(transaction).existing(existing, false).descriptor();
            if (file.type() == FileDescriptor.DIRECTORY) throw refused(existing, "is a directory, which has one name only");
            requireOurs(existing, file);
            Walk.Place place = vacant(transaction, path);
            FileEditor linked = FileEditor.of(volume, transaction, file.address(), file.generation());
            linked.descriptor().links(linked.descriptor().links() + 1);
            linked.changedNow();
            DirectoryEditor.of(volume, transaction, place.directory()).add(place.name(), linked.descriptor());
            return null;
        });
    }

    void delete(String path) throws IOException {
        while (!change(path, transaction -> delete(transaction, path))) { }
    }

    /** @return false if it was only made shorter, since it is too long for one transaction */
    private boolean delete(Transaction transaction, String path) throws IOException {
        Walk.Place place = walk(transaction).existing(path, false);
        if (place.item() == null) throw refused(path, "the root stays");
        requireOurs(path, place.descriptor());
        requireOurs(path, place.directory());
        if (!unlink(transaction, path, place.descriptor())) return false;
        DirectoryEditor parent = DirectoryEditor.of(volume, transaction, place.directory());
        if (place.descriptor().type() == FileDescriptor.DIRECTORY) parent.descriptor().links(parent.descriptor().links() - 1);
        parent.remove(place.item());
        return true;
    }

    /** A file loses a name; the last takes it away. @return false if it was only made shorter */
    private boolean unlink(Transaction transaction, String path, FileDescriptor file) throws IOException {
        boolean directory = file.type() == FileDescriptor.DIRECTORY;
        if (directory && file.length() > 2 * DirectoryEntry.BYTES) throw new DirectoryNotEmptyException(path);
        FileEditor gone = FileEditor.of(volume, transaction, file.address(), file.generation());
        if (!directory) locks.requireFree(lock(gone), Mode.WRITE, path);
        gone.changedNow();
        if (!directory && file.links() > 1) {
            gone.descriptor().links(gone.descriptor().links() - 1);
            return true;
        }
        if (!gone.cut(0)) return false;
        gone.delete();
        return true;
    }

    void rename(String from, String to) throws IOException {
        while (!change(from, transaction -> rename(transaction, from, to))) { }
    }

    private boolean rename(Transaction transaction, String from, String to) throws IOException {
        Walk.Place source = walk(transaction).existing(from, false);
        Walk.Place target = walk(transaction).find(to, false);
        if (source.item() == null || target.exists() && target.item() == null) throw refused(from, "the root stays");
        FileDescriptor file = source.descriptor();
        for (FileDescriptor part : new FileDescriptor[] {file, source.directory(), target.directory()}) requireOurs(from, part);
        if (target.exists() && target.descriptor().address() == file.address()) return true;
        DirectoryEditor.requireName(to, target.name());
        boolean directory = file.type() == FileDescriptor.DIRECTORY;
        if (directory) requireOutside(transaction, from, file, target.directory());
        boolean moved = source.directory().address() != target.directory().address();
        if (target.exists() && !replace(transaction, to, target, file)) return false;
        DirectoryEditor into = DirectoryEditor.of(volume, transaction, target.directory());
        if (!target.exists()) into.add(target.name(), file);
        DirectoryEditor out = moved ? DirectoryEditor.of(volume, transaction, source.directory()) : into;
        out.remove(source.item());
        FileEditor renamed = FileEditor.of(volume, transaction, file.address(), file.generation());
        renamed.changedNow();
        if (directory && moved) {
            new DirectoryEditor(volume, renamed).parent(into.descriptor());
            out.descriptor().links(out.descriptor().links() - 1);
            into.descriptor().links(into.descriptor().links() + 1);
        }
        return true;
    }

    /** What has the new name goes. @return false if it was only made shorter */
    private boolean replace(Transaction transaction, String to, Walk.Place target, FileDescriptor file) throws IOException {
        requireOurs(to, target.descriptor());
        boolean was = target.descriptor().type() == FileDescriptor.DIRECTORY, is = file.type() == FileDescriptor.DIRECTORY;
        if (was != is) throw refused(to, was ? "is a directory, which no file replaces" : "is no directory, which a directory does not replace");
        if (!unlink(transaction, to, target.descriptor())) return false;
        DirectoryEditor parent = DirectoryEditor.of(volume, transaction, target.directory());
        if (was) parent.descriptor().links(parent.descriptor().links() - 1);
        parent.replace(target.item(), file);
        return true;
    }

    /** A directory does not go into itself. */
    private void requireOutside(Transaction transaction, String from, FileDescriptor directory, FileDescriptor into) throws IOException {
        FileDescriptor here = into;
        for (int depth = 0; here.address() != Address.ROOT; depth++) {
            if (here.address() == directory.address() || depth > 4096) throw refused(from, "a directory cannot be moved into itself");
            here = volume.geometry().descriptor(transaction, new Directory(volume.geometry(), transaction, here).parent().address(), 0);
        }
    }

    /** Changes what is known of a file. */
    void attributes(String path, Edit edit) throws IOException {
        change(path, transaction -> {
            FileDescriptor file = walk(transaction).existing(path, true).descriptor();
            requireOurs(path, file);
            FileEditor changed = FileEditor.of(volume, transaction, file.address(), file.generation());
            edit.of(changed);
            changed.changedNow();
            return null;
        });
    }

    /** Changes a file that is open for writing, in one step. @return its descriptor afterwards */
    FileDescriptor edit(String path, int address, int generation, Edit edit) throws IOException {
        return change(path, transaction -> {
            FileEditor file = FileEditor.of(volume, transaction, address, generation);
            if (!locks.holds(file.descriptor().lock(), Mode.WRITE)) throw lost(path);
            edit.of(file);
            return file.copy();
        });
    }

    void label(String label) throws IOException {
        change("/", transaction -> {
            new FsHeader(transaction.change(Generation.FS_HEADER, FsHeader.BYTES)).label(label);
            return null;
        });
    }

    /** Locks a file that there is. @return its descriptor */
    FileDescriptor open(String path, Mode mode) throws IOException {
        return change(path, transaction -> {
            FileDescriptor file = walk(transaction).existing(path, true).descriptor();
            if (mode == Mode.WRITE) requireOurs(path, file);
            FileEditor opened = FileEditor.of(volume, transaction, file.address(), file.generation());
            locks.acquire(lock(opened), mode, path);
            return opened.copy();
        });
    }

    /** The lock of a file, without what this host left there when its device failed. */
    private LockSector lock(FileEditor file) {
        LockSector lock = file.descriptor().lock();
        if (!openHere.test(file.address())) for (Mode mode : new Mode[] {Mode.WRITE, Mode.SHARE}) locks.release(lock, mode);
        return lock;
    }

    /** Gives up the lock of a file, which may be gone. @param last change of a file that is open for writing; null if there is none */
    void close(String path, int address, int generation, Mode mode, Edit last) throws IOException {
        change(path, transaction -> {
            FileDescriptor file = volume.geometry().descriptor(transaction, address, 0);
            boolean held = file.generation() == generation && locks.holds(file.lock(), mode);
            if (!held && last != null) throw lost(path);
            if (!held) return null;
            FileEditor editor = FileEditor.of(volume, transaction, address, generation);
            if (last != null) last.of(editor);
            locks.release(editor.descriptor().lock(), mode);
            return null;
        });
    }

    private static FileLockedException lost(String path) { return new FileLockedException(path, "was taken away from this host, which was silent for too long; open it again"); }

    /** As {@link Ledger#epoch}. */
    long epoch() { return ledger.epoch(); }
}
