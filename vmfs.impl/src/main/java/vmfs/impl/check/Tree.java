package vmfs.impl.check;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.volume.Directory;
import vmfs.impl.volume.DirectoryItem;
import vmfs.impl.volume.Geometry;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.VolumeDamagedException;

/** Looks at all directories from the root on, at all files that they name, and at descriptors that nobody names. */
final class Tree {
    /** A damaged length does not make the set of a directory's names larger. */
    private static final int MAX_NAMES = 1 << 20;

    private final Geometry geometry;
    private final Metadata metadata;
    private final Findings findings;
    private final Repairs repairs;
    private final Usages usages;
    private final Files files;
    private final Count count;
    /** Directories that were found and not looked at. */
    private final Deque<Pending> pending = new ArrayDeque<>();
    /** By index of the descriptor: how many names (of a directory: 2, and one for each directory in it) there are more than its link count says. */
    private final int[] links;

    /** @param parent null if it has none */
    private record Pending(String path, FileDescriptor directory, FileDescriptor parent) { }

    Tree(Geometry geometry, Metadata metadata, Findings findings, Repairs repairs, Usages usages, Count count) {
        this.geometry = geometry;
        this.metadata = metadata;
        this.findings = findings;
        this.repairs = repairs;
        this.usages = usages;
        this.count = count;
        files = new Files(geometry, metadata, findings, repairs, usages);
        links = new int[usages.descriptors.used.length() + 1];
    }

    void check() throws IOException {
        FileDescriptor root = geometry.descriptor(metadata, Address.ROOT, 0);
        visit("/", root, root);
        directories();
        orphans();
        for (int index = usages.descriptors.seen.nextSetBit(0); index >= 0; index = usages.descriptors.seen.nextSetBit(index + 1)) links(index);
    }

    /** A file that was not seen before. */
    private void visit(String path, FileDescriptor file, FileDescriptor parent) throws IOException {
        int index = index(file.address());
        usages.descriptors.seen.set(index);
        if (index < links.length) links[index] -= file.links();
        try {
            files.check(path, file, geometry.descriptorAt(file.address(), 0));
        } catch (VolumeDamagedException e) {
            findings.error(path, e.address(), e.what());
        }
        if (geometry.isDirectory(file)) pending.push(new Pending(path, file, parent));
        count.done(1);
    }

    private int index(int address) { return usages.index(address & 0xFFFFFFFFL); }

    private void directories() throws IOException {
        while (!pending.isEmpty()) {
            Pending next = pending.pop();
            try {
                directory(next);
            } catch (VolumeDamagedException e) {
                findings.error(next.path, e.address(), e.what());
            }
        }
    }

    private void directory(Pending here) throws IOException {
        Directory directory = new Directory(geometry, metadata, here.directory);
        named(here.directory.address(), 2);
        dots(here, directory.slots() > 0 || wide() ? directory.self() : null, here.directory, ".");
        if (here.parent != null) dots(here, directory.slots() > 1 || wide() ? directory.parent() : null, here.parent, "..");
        Set<String> names = new HashSet<>();
        for (int slot = wide() ? 0 : 2; slot < directory.slots(); slot++) {
            DirectoryItem item = directory.item(slot);
            if (item != null) item(here, item, names);
        }
    }

    private boolean wide() { return geometry.generation() == Generation.VMFS6; }

    private void dots(Pending here, DirectoryItem item, FileDescriptor target, String name) throws IOException {
        long at = item == null ? geometry.descriptorAt(here.directory.address(), 0) : item.at();
        if (item == null) {
            findings.error(here.path, at, "has no entry " + name);
        } else if (!item.name().equals(name) || item.address() != target.address() || item.generation() != target.generation()) {
            findings.error(here.path, at, "its entry " + name + " is " + text(item) + ", not " + name + " of descriptor 0x"
                + Integer.toHexString(target.address()) + " generation " + target.generation(),
                Findings.Stage.CORRECT, "is corrected", () -> repairs.dots(here.directory, name.length() - 1, target));
        }
    }

    private static String text(DirectoryItem item) { return item.name() + " of descriptor 0x" + Integer.toHexString(item.address()) + " generation "
        + item.generation(); }

    private void item(Pending here, DirectoryItem item, Set<String> names) throws IOException {
        String path = (here.path.equals("/") ? "" : here.path) + "/" + item.name();
        FileDescriptor file;
        try {
            file = target(item);
        } catch (VolumeDamagedException e) {
            gone(here, path, item, e.what());
            return;
        }
        if (item.name().isEmpty() || item.name().contains("/") || item.dots()) {
            findings.error(path, item.at(), "no file can have this name", Findings.Stage.CORRECT, "gets another", () -> repairs.rename(here.directory, item));
        } else if (names.size() < MAX_NAMES && !names.add(item.name())) {
            findings.error(path, item.at(), "the name is there twice", Findings.Stage.CORRECT, "gets another", () -> repairs.rename(here.directory, item));
        }
        int index = index(item.address());
        if (usages.descriptors.seen.get(index) && geometry.isDirectory(file)) {
            gone(here, path, item, "a directory with more than one name");
            return;
        }
        if (item.type() != file.type()) {
            findings.error(path, item.at(), "its entry says that it is of type " + item.type() + ", its descriptor says " + file.type(),
                Findings.Stage.CORRECT, "is corrected", () -> repairs.retype(here.directory, item, file));
        }
        if (!usages.descriptors.seen.get(index)) visit(path, file, here.directory);
        named(geometry.isDirectory(file) ? here.directory.address() : item.address(), 1);
    }

    private void gone(Pending here, String path, DirectoryItem item, String what) throws IOException {
        findings.error(path, item.at(), what, Findings.Stage.CORRECT, "the name is removed", () -> repairs.remove(here.directory, item));
    }

    /** The file of a name. @throws VolumeDamagedException if there is none */
    private FileDescriptor target(DirectoryItem item) throws IOException {
        FileDescriptor file = geometry.descriptor(metadata, item.address(), item.at());
        if (file.generation() != item.generation()) {
            throw new VolumeDamagedException(geometry.name(), item.at(), "the entry is of a file of generation " + item.generation()
                + ", the descriptor is of generation " + file.generation());
        }
        int index = index(item.address());
        if (!usages.descriptors.unknown(index) && !usages.descriptors.used.get(index)) {
            findings.error("descriptor 0x" + Integer.toHexString(item.address()), geometry.descriptorAt(item.address(), 0), "is marked free, " + item.name()
                + " has it", Findings.Stage.MARK, "is marked used",
                () -> repairs.mark(geometry.descriptors(), index, false));
            usages.descriptors.used.set(index);
        }
        return file;
    }

    private void named(int address, int times) {
        int index = index(address);
        if (index < links.length) links[index] += times;
    }

    private void links(int index) throws IOException {
        if (index >= links.length || links[index] == 0) return;
        int address = address(index);
        FileDescriptor file = geometry.descriptor(metadata, address, 0);
        int right = file.links() + links[index];
        long at = geometry.descriptorAt(address, 0);
        findings.error("descriptor 0x" + Integer.toHexString(address), at + geometry.generation().sectorBytes() + 8, "has " + right + " links, says "
            + file.links(), Findings.Stage.CORRECT, "is corrected",
            () -> repairs.descriptor(at, changed -> changed.links(right)));
    }

    private int address(int index) {
        int items = geometry.descriptors().items();
        return Address.descriptor(index / items, index % items);
    }

    /** Descriptors in use that no directory names. First those that no other of them names; what is left are circles. */
    private void orphans() throws IOException {
        BitSet below = new BitSet();
        for (int index = next(0); index >= 0; index = next(index + 1)) below(index, below);
        for (int index = next(0); index >= 0; index = next(index + 1)) if (!below.get(index)) orphan(index);
        for (int index = next(0); index >= 0; index = next(index + 1)) orphan(index);
    }

    private int next(int from) {
        int index = usages.descriptors.used.nextSetBit(from);
        while (index >= 0 && usages.descriptors.seen.get(index)) index = usages.descriptors.used.nextSetBit(index + 1);
        return index;
    }

    private void below(int index, BitSet below) throws IOException {
        try {
            FileDescriptor file = geometry.descriptor(metadata, address(index), 0);
            if (!geometry.isDirectory(file)) return;
            new Directory(geometry, metadata, file).forEach(item -> {
                if (Address.type(item.address()) == Address.DESCRIPTOR && item.address() != file.address()) below.set(index(item.address()));
            });
        } catch (VolumeDamagedException e) {
            // told when it is looked at
        }
    }

    private void orphan(int index) throws IOException {
        int address = address(index);
        String name = "descriptor 0x" + Integer.toHexString(address);
        FileDescriptor file;
        try {
            file = geometry.descriptor(metadata, address, 0);
        } catch (VolumeDamagedException e) {
            findings.error(name, e.address(), "is in use, but " + e.what(), Findings.Stage.CORRECT, "is freed", () -> repairs.mark(geometry.descriptors(),
                index, true));
            usages.descriptors.used.clear(index);
            return;
        }
        findings.error(name, geometry.descriptorAt(address, 0), "no directory has it", Findings.Stage.ALLOCATE, "gets a name in /lost+found",
            () -> repairs.found(file));
        visit(name, file, null);
        if (!geometry.isDirectory(file)) named(address, 1);
        directories();
    }
}
