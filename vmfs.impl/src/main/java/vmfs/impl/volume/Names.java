package vmfs.impl.volume;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import vmfs.impl.format.FileDescriptor;

/**
 * Finds names in directories as they are committed. The names of directories that were looked through are kept, for as long as the
 * directory has the same version (token and length). Not for the inside of a transaction: {@link Directory#find}. Any thread.
 */
public final class Names {
    /** Of all directories together, unless there is one with more. */
    private static final int MAX_NAMES = 200_000;

    /** By address of the descriptor, the one that was wanted last at the end. Guarded by this. */
    private final Map<Integer, Known> directories = new LinkedHashMap<>(16, 0.75f, true);

    /** Slots by name, of one version of a directory. */
    private record Known(int generation, long token, long length, Map<String, Integer> slots) {
        static Known of(FileDescriptor version, Map<String, Integer> slots) { return new Known(version.generation(), version.lock().token(), version.length(), slots); }

        boolean of(FileDescriptor version) { return generation == version.generation() && token == version.lock().token() && length == version.length(); }
    }

    /** @return null if there is no such name */
    public synchronized DirectoryItem find(Directory directory, String name) throws IOException {
        if (name.equals(".")) return directory.self();
        if (name.equals("..")) return directory.parent();
        int address = directory.descriptor().address();
        Known known = directories.get(address);
        if (known == null || !known.of(directory.descriptor())) {
            known = Known.of(directory.descriptor(), read(directory));
            directories.put(address, known);
            trim();
        }
        Integer slot = known.slots.get(name);
        return slot == null ? null : directory.item(slot);
    }

    private static Map<String, Integer> read(Directory directory) throws IOException {
        Map<String, Integer> slots = new HashMap<>();
        directory.forEach(item -> slots.putIfAbsent(item.name(), item.slot()));
        return slots;
    }

    private void trim() {
        long all = 0;
        for (Known known : directories.values()) all += known.slots.size();
        while (all > MAX_NAMES && directories.size() > 1) all -= directories.remove(directories.keySet().iterator().next()).slots.size();
    }

    /**
     * A change of a directory was committed.
     *
     * @param before and after: its descriptor; @param gone a name that it has no more, or null; @param slots of names that are new or have moved
     */
    public synchronized void changed(FileDescriptor before, FileDescriptor after, String gone, Map<String, Integer> slots) {
        Known known = directories.get(before.address());
        if (known == null || !known.of(before)) return;
        if (gone != null) known.slots.remove(gone);
        known.slots.putAll(slots);
        directories.put(before.address(), Known.of(after, known.slots));
    }

    public synchronized void forget() { directories.clear(); }
}
