package vmfs.impl.disk;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import vmkernel.api.files.VolumePath;

/** How files of a disk are named in its descriptor: relative to it, or by absolute path. */
final class Places {
    private static final String SUFFIX = ".vmdk";

    private Places() {}

    /** What is wrong with a disk, in one line. */
    static FileSystemException refused(VolumePath disk, String why) { return new FileSystemException(disk.toString(), null, why); }

    static void requireFree(VolumePath place) throws IOException {
        try {
            place.volume().status(place.path());
        } catch (NoSuchFileException e) {
            return;
        }
        throw new FileAlreadyExistsException(place.toString(), null, "is there already");
    }

    static String name(VolumePath place) { return place.path().substring(place.path().lastIndexOf('/') + 1); }

    private static String folder(VolumePath place) { return place.path().substring(0, place.path().lastIndexOf('/') + 1); }

    /** The name without {@code .vmdk}: what the names of a disk's other files begin with. */
    static String base(VolumePath disk) throws IOException {
        String name = name(disk);
        if (!named(disk) || name.chars().anyMatch(c -> c == '"' || c < ' ')) throw refused(disk, "the name of a virtual disk ends with .vmdk and has no quotes");
        return name.substring(0, name.length() - SUFFIX.length());
    }

    static boolean named(VolumePath disk) { return disk.path().toLowerCase(Locale.ROOT).endsWith(SUFFIX) && name(disk).length() > SUFFIX.length(); }

    /** Whether it is a redo log as ESX 2 has them, {@code disk.vmdk.REDO}: one file without a descriptor. */
    static boolean redo(VolumePath disk) { return disk.path().toLowerCase(Locale.ROOT).endsWith(".redo"); }

    static boolean relative(String name) { return !name.startsWith("/"); }

    /**
     * Finds what a descriptor names.
     *
     * @throws IOException if it is on another volume: LIMIT: a disk of VMFS is on one volume with its parents
     */
    static VolumePath resolve(VolumePath from, String name) throws IOException {
        if (relative(name)) return new VolumePath(from.volume(), folder(from) + name);
        if (from.volume().type().equals("host")) return new VolumePath(from.volume(), name);
        for (String prefix : new String[] {"/vmfs/volumes/", "/vmfs/"}) {
            if (!name.startsWith(prefix)) continue;
            String rest = name.substring(prefix.length());
            int slash = rest.indexOf('/');
            String volume = slash < 0 ? rest : rest.substring(0, slash);
            boolean same = volume.equals(from.volume().label()) || volume.equals(from.volume().uuid());
            if (slash > 0 && same) return new VolumePath(from.volume(), rest.substring(slash));
        }
        throw refused(from, "names " + name + ", which is not on the same volume; move it beside the disk");
    }

    /** How a descriptor names another file. */
    static String hint(VolumePath from, VolumePath to) throws IOException {
        if (!from.volume().uuid().equals(to.volume().uuid())) throw refused(to, "is not on the volume of " + from + "; a redo log is on its parent's");
        if (folder(from).equals(folder(to))) return name(to);
        return from.volume().type().equals("host") ? to.path() : "/vmfs/volumes/" + to.volume().uuid() + to.path();
    }
}
