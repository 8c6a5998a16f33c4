package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.Map;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.journal.Transaction;
import vmkernel.api.files.VolumeFullException;

/** A directory inside a transaction: names without holes, the last takes the place of one that goes. VMFS-3 and -5. [VMFS] section 8 */
final class DirectoryEditor {
    private final Writing volume;
    private final Transaction transaction;
    private final FileEditor file;

    DirectoryEditor(Writing volume, FileEditor file) {
        this.volume = volume;
        this.transaction = file.transaction();
        this.file = file;
    }

    static DirectoryEditor of(Writing volume, Transaction transaction, FileDescriptor directory) throws IOException {
        return new DirectoryEditor(volume, FileEditor.of(volume, transaction, directory.address(), directory.generation()));
    }

    FileDescriptor descriptor() { return file.descriptor(); }

    /** Names that a directory can have. */
    private long most() {
        boolean small = file.descriptor().form() == FileDescriptor.SUB_BLOCKS || file.descriptor().form() == FileDescriptor.CONTENT;
        return volume.geometry().generation().descriptorAddresses() * (small ? volume.geometry().subBlockBytes() : volume.geometry().blockBytes()) / DirectoryEntry.BYTES;
    }

    private int slots() { return (int) (file.descriptor().length() / DirectoryEntry.BYTES); }

    /** The first two names. */
    void dots(FileDescriptor parent) throws IOException {
        append(entry(".", FileDescriptor.DIRECTORY, file.descriptor()));
        append(entry("..", FileDescriptor.DIRECTORY, parent));
    }

    /** A name that is not there yet. */
    void add(String name, FileDescriptor target) throws IOException {
        if (slots() >= most()) throw new VolumeFullException(null, "the directory is full: it has " + slots() + " names");
        FileDescriptor before = file.copy();
        int slot = slots();
        append(entry(name, target.type(), target));
        changed(before, null, Map.of(name, slot));
    }

    private void append(ByteBuffer entry) throws IOException { file.write(file.descriptor().length(), entry); }

    /** A name goes. */
    void remove(DirectoryItem item) throws IOException {
        FileDescriptor before = file.copy();
        int last = slots() - 1;
        Directory directory = directory();
        DirectoryItem moved = directory.item(last);
        if (item.slot() != last) put(item.slot(), bytes(last));
        file.descriptor().length((long) last * DirectoryEntry.BYTES);
        file.modifiedNow();
        changed(before, item.name(), item.slot() == last ? Map.of() : Map.of(moved.name(), item.slot()));
    }

    /** A name stands for another file from now on. */
    void replace(DirectoryItem item, FileDescriptor target) throws IOException {
        FileDescriptor before = file.copy();
        put(item.slot(), entry(item.name(), target.type(), target));
        file.modifiedNow();
        changed(before, null, Map.of());
    }

    /** The directory was moved. */
    void parent(FileDescriptor parent) throws IOException {
        put(1, entry("..", FileDescriptor.DIRECTORY, parent));
        file.changedNow();
    }

    private void put(int slot, ByteBuffer entry) throws IOException { file.overwrite((long) slot * DirectoryEntry.BYTES, entry); }

    private ByteBuffer bytes(int slot) throws IOException {
        return volume.geometry().blocks(transaction, file.descriptor()).read(transaction, (long) slot * DirectoryEntry.BYTES, DirectoryEntry.BYTES);
    }

    private Directory directory() throws IOException { return new Directory(volume.geometry(), transaction, file.descriptor()); }

    private void changed(FileDescriptor before, String gone, Map<String, Integer> slots) {
        volume.names().changed(before, file.copy(), gone, slots);
        transaction.onUndo(volume.names()::forget);
    }

    private static ByteBuffer entry(String name, int type, FileDescriptor target) {
        DirectoryEntry entry = new DirectoryEntry(ByteBuffer.allocate(DirectoryEntry.BYTES));
        entry.type(type);
        entry.address(target.address());
        entry.generation(target.generation());
        entry.name(name);
        return entry.bytes();
    }

    /** @throws FileSystemException unless a file can have the name */
    static void requireName(String path, String name) throws FileSystemException {
        if (name.isEmpty() || name.equals("/") || name.equals(".") || name.equals("..")) throw new FileSystemException(path, null, "is no name for a file");
        if (name.indexOf('\0') >= 0) throw new FileSystemException(path, null, "a name has no zero character");
        if (name.getBytes(StandardCharsets.UTF_8).length >= DirectoryEntry.NAME_BYTES) throw new FileSystemException(path, null, "a name has at most 127 bytes in UTF-8");
    }
}
