package vmfs.impl.nio;

import java.io.IOException;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** A path in a volume: names between slashes. Without a slash at its beginning it is relative to the root. The empty path has one empty name. */
final class VmfsPath implements Path {
    private final VolumeFileSystem system;
    private final boolean absolute;
    private final List<String> names;

    private VmfsPath(VolumeFileSystem system, boolean absolute, List<String> names) {
        this.system = system;
        this.absolute = absolute;
        this.names = names.isEmpty() && !absolute ? List.of("") : names;
    }

    static VmfsPath of(VolumeFileSystem system, String text) {
        int zero = text.indexOf('\0');
        if (zero >= 0) throw new InvalidPathException(text, "there is a NUL character in it", zero);
        return new VmfsPath(system, text.startsWith("/"), Arrays.stream(text.split("/")).filter(name -> !name.isEmpty()).toList());
    }

    /** @throws ProviderMismatchException if it is another provider's */
    static VmfsPath of(Path path) {
        if (path instanceof VmfsPath own) return own;
        throw path == null ? new NullPointerException("path") : new ProviderMismatchException(path + " is no path in a volume");
    }

    private VmfsPath path(boolean rooted, List<String> parts) { return new VmfsPath(system, rooted, parts); }

    private boolean empty() { return !absolute && names.get(0).isEmpty(); }

    /** As the volume wants it: from the root. */
    String inVolume() { return toAbsolutePath().toString(); }

    @Override public VolumeFileSystem getFileSystem() { return system; }

    @Override public boolean isAbsolute() { return absolute; }

    @Override public VmfsPath getRoot() { return absolute ? path(true, List.of()) : null; }

    @Override public VmfsPath getFileName() { return names.isEmpty() ? null : path(false, names.subList(names.size() - 1, names.size())); }

    @Override
    public VmfsPath getParent() {
        if (names.size() > 1) return path(absolute, names.subList(0, names.size() - 1));
        return names.isEmpty() ? null : getRoot();
    }

    @Override public int getNameCount() { return names.size(); }

    @Override
    public VmfsPath getName(int index) {
        if (index < 0 || index >= names.size()) throw new IllegalArgumentException("no name " + index + " in " + this);
        return path(false, List.of(names.get(index)));
    }

    @Override
    public VmfsPath subpath(int begin, int end) {
        if (begin < 0 || end > names.size() || begin >= end) throw new IllegalArgumentException("no names " + begin + " to " + end + " in " + this);
        return path(false, names.subList(begin, end));
    }

    private boolean related(Path other) { return other instanceof VmfsPath own && own.system == system && own.absolute == absolute; }

    @Override
    public boolean startsWith(Path other) {
        if (!related(other)) return false;
        List<String> first = ((VmfsPath) other).names;
        return first.size() <= names.size() && first.equals(names.subList(0, first.size()));
    }

    @Override
    public boolean endsWith(Path other) {
        if (!(other instanceof VmfsPath own) || own.system != system) return false;
        if (own.absolute || own.empty()) return equals(own);
        int before = names.size() - own.names.size();
        return before >= 0 && own.names.equals(names.subList(before, names.size()));
    }

    @Override
    public VmfsPath normalize() {
        Deque<String> kept = new ArrayDeque<>();
        for (String name : names) {
            if (name.equals("..") && !kept.isEmpty() && !kept.getLast().equals("..")) kept.removeLast();
            else if (!name.equals(".") && !(name.equals("..") && absolute)) kept.add(name);
        }
        return path(absolute, List.copyOf(kept));
    }

    @Override
    public VmfsPath resolve(Path other) {
        VmfsPath next = of(other);
        if (next.absolute || empty()) return next;
        if (next.empty()) return this;
        String[] joined = Arrays.copyOf(names.toArray(String[]::new), names.size() + next.names.size());
        for (int i = 0; i < next.names.size(); i++) joined[names.size() + i] = next.names.get(i);
        return path(absolute, List.of(joined));
    }

    @Override
    public VmfsPath relativize(Path other) {
        VmfsPath to = of(other);
        if (to.absolute != absolute) throw new IllegalArgumentException("one of " + this + " and " + other + " is absolute, the other is not");
        if (empty()) return to;
        List<String> target = to.empty() ? List.of() : to.names;
        int common = 0;
        while (common < Math.min(names.size(), target.size()) && names.get(common).equals(target.get(common))) common++;
        if (names.subList(common, names.size()).contains("..")) throw new IllegalArgumentException("there is no way out of .. in " + this);
        Deque<String> way = new ArrayDeque<>(target.subList(common, target.size()));
        for (int i = common; i < names.size(); i++) if (!names.get(i).equals(".")) way.addFirst("..");
        return path(false, List.copyOf(way));
    }

    @Override public URI toUri() { return system.uri(toAbsolutePath().toString()); }

    @Override public VmfsPath toAbsolutePath() { return absolute ? this : path(true, empty() ? List.of() : names); }

    @Override public Path toRealPath(LinkOption... options) throws IOException { return system.real(this, Links.followed(options)); }

    @Override
    public WatchKey register(WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
        throw new UnsupportedOperationException("a volume is not watched");
    }

    @Override public int compareTo(Path other) { return toString().compareTo(((VmfsPath) other).toString()); }

    @Override public boolean equals(Object other) { return related(other instanceof Path path ? path : null) && ((VmfsPath) other).names.equals(names); }

    @Override public int hashCode() { return 31 * names.hashCode() + Boolean.hashCode(absolute); }

    @Override public String toString() { return (absolute ? "/" : "") + String.join("/", names); }
}
