package vmfs.impl.volume;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.Deque;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;

/**
 * Follows paths from the root, as POSIX does. Symbolic links that begin with a slash begin at the root of the volume.
 *
 * @param names how a name is found in a directory
 */
public record Walk(Geometry geometry, Metadata metadata, Lookup names) {
    private static final int MAX_LINKS = 40, MAX_TARGET = 4096;

    /** Finds a name in a directory; null if there is none. */
    @FunctionalInterface
    public interface Lookup {
        DirectoryItem find(Directory directory, String name) throws IOException;
    }

    /**
     * Where a path leads.
     *
     * @param directory that the name is in; of the root the root itself
     * @param name last part of the path after links were followed; {@code /} for the root
     * @param item what the directory says; null for the root, and if there is nothing of the name
     * @param descriptor of the file; null if there is nothing of the name
     */
    public record Place(FileDescriptor directory, String name, DirectoryItem item, FileDescriptor descriptor) {
        public boolean exists() { return descriptor != null; }
    }

    /** @param follow whether a symbolic link at the end of the path is followed @throws NoSuchFileException unless the path leads to a file */
    public Place existing(String path, boolean follow) throws IOException {
        Place place = find(path, follow);
        if (!place.exists()) throw new NoSuchFileException(path, null, "no such file on " + geometry.name());
        return place;
    }

    /** The last part of the path need not exist. @throws IOException one of {@code java.nio.file}'s, if the way there does not */
    public Place find(String path, boolean follow) throws IOException {
        if (!path.startsWith("/")) throw new NoSuchFileException(path, null, "a path on a volume begins with a slash");
        Deque<Place> way = new ArrayDeque<>();
        Deque<String> parts = new ArrayDeque<>();
        push(parts, path);
        FileDescriptor root = geometry.descriptor(metadata, Address.ROOT, 0);
        Place rootPlace = new Place(root, "/", null, root);
        way.push(rootPlace);
        for (int links = 0; !parts.isEmpty(); ) {
            String part = parts.pop();
            FileDescriptor here = way.peek().descriptor;
            if (!geometry.isDirectory(here)) throw new NotDirectoryException(path);
            if (part.equals(".")) continue;
            if (part.equals("..")) {
                if (way.size() > 1) way.pop();
                continue;
            }
            DirectoryItem item = names.find(new Directory(geometry, metadata, here), part);
            if (item == null && parts.isEmpty()) return new Place(here, part, null, null);
            if (item == null) throw new NoSuchFileException(path, null, "no " + VolumeDamagedException.line(part) + " on the way");
            FileDescriptor file = descriptor(item);
            if (file.type() != FileDescriptor.SYMLINK || parts.isEmpty() && !follow) {
                way.push(new Place(here, part, item, file));
                continue;
            }
            if (++links > MAX_LINKS) throw new FileSystemLoopException(path);
            String target = target(file);
            push(parts, target);
            if (target.startsWith("/")) {
                way.clear();
                way.push(rootPlace);
            }
        }
        return way.peek();
    }

    private static void push(Deque<String> parts, String path) {
        String[] names = path.split("/");
        for (int i = names.length - 1; i >= 0; i--) if (!names[i].isEmpty()) parts.push(names[i]);
    }

    /** Of the file that a name belongs to. @throws VolumeDamagedException if there is another in its place */
    public FileDescriptor descriptor(DirectoryItem item) throws IOException {
        FileDescriptor file = geometry.descriptor(metadata, item.address(), item.at());
        if (file.generation() != item.generation()) {
            throw new VolumeDamagedException(geometry.name(), item.at(), "the name " + item.name() + " belongs to a file of generation " + item.generation()
                + ", its descriptor is of generation " + file.generation());
        }
        return file;
    }

    /** Where a symbolic link points. */
    public String target(FileDescriptor link) throws IOException {
        BlockMap blocks = geometry.blocks(metadata, link);
        if (link.length() > MAX_TARGET) throw blocks.damaged("a symbolic link of " + link.length() + " bytes");
        byte[] text = new byte[(int) link.length()];
        blocks.read(metadata, 0, text.length).get(text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
