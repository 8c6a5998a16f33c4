package vmfs.impl.nio;

import java.io.IOException;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import vmkernel.api.files.FileStatus.Type;

/** Attributes of the file at a path, by Java's types and by the names that {@code Files.getAttribute} takes. */
final class VolumeAttributeView implements PosixFileAttributeView {
    static final Set<String> NAMES = Set.of("basic", "owner", "posix", "unix");
    private static final List<String> BASIC = List.of("size", "creationTime", "lastAccessTime", "lastModifiedTime", "isDirectory", "isRegularFile", "isSymbolicLink", "isOther", "fileKey");
    private static final List<String> POSIX = List.of("owner", "group", "permissions");
    private static final Map<String, Function<VolumeAttributes, Object>> READERS = readers();

    private final VolumeFileSystem system;
    private final VmfsPath path;
    private final boolean followed;

    VolumeAttributeView(VolumeFileSystem system, VmfsPath path, boolean followed) {
        this.system = system;
        this.path = path;
        this.followed = followed;
    }

    private static Map<String, Function<VolumeAttributes, Object>> readers() {
        Map<String, Function<VolumeAttributes, Object>> readers = new LinkedHashMap<>();
        readers.put("size", VolumeAttributes::size);
        readers.put("creationTime", VolumeAttributes::creationTime);
        readers.put("lastAccessTime", VolumeAttributes::lastAccessTime);
        readers.put("lastModifiedTime", VolumeAttributes::lastModifiedTime);
        readers.put("isDirectory", VolumeAttributes::isDirectory);
        readers.put("isRegularFile", VolumeAttributes::isRegularFile);
        readers.put("isSymbolicLink", VolumeAttributes::isSymbolicLink);
        readers.put("isOther", VolumeAttributes::isOther);
        readers.put("fileKey", VolumeAttributes::fileKey);
        readers.put("owner", VolumeAttributes::owner);
        readers.put("group", VolumeAttributes::group);
        readers.put("permissions", VolumeAttributes::permissions);
        // those of the JDK's own view of Unix
        readers.put("mode", is -> is.status().mode() | (is.isDirectory() ? 0040000 : is.isSymbolicLink() ? 0120000 : 0100000));
        readers.put("ino", is -> is.status().id());
        readers.put("nlink", is -> is.status().links());
        readers.put("uid", is -> is.status().uid());
        readers.put("gid", is -> is.status().gid());
        readers.put("ctime", is -> VolumeAttributes.time(is.status().changed()));
        return readers;
    }

    private static boolean has(String view, String attribute) {
        return switch (view) {
            case "basic" -> BASIC.contains(attribute);
            case "owner" -> attribute.equals("owner");
            case "posix" -> BASIC.contains(attribute) || POSIX.contains(attribute);
            case "unix" -> READERS.containsKey(attribute);
            default -> throw new UnsupportedOperationException("there is no view " + view + " of a volume's files");
        };
    }

    /** @param attributes as for {@code Files.readAttributes}: {@code view:name,name} or {@code *} */
    Map<String, Object> read(String attributes) throws IOException {
        String view = view(attributes);
        List<String> names = List.of(name(attributes).split(","));
        for (String name : names) if (!name.equals("*") && !has(view, name)) throw new IllegalArgumentException("view " + view + " has no attribute " + name);
        VolumeAttributes is = readAttributes();
        Map<String, Object> values = new TreeMap<>();
        READERS.forEach((name, reader) -> {
            if (has(view, name) && (names.contains("*") || names.contains(name))) values.put(name, reader.apply(is));
        });
        return values;
    }

    private static String view(String attribute) { return attribute.contains(":") ? attribute.substring(0, attribute.indexOf(':')) : "basic"; }

    private static String name(String attribute) { return attribute.substring(attribute.indexOf(':') + 1); }

    @SuppressWarnings("unchecked")
    void set(String attribute, Object value) throws IOException {
        String name = name(attribute);
        if (!has(view(attribute), name)) throw new IllegalArgumentException("there is no attribute " + attribute);
        switch (name) {
            case "lastModifiedTime" -> setTimes((FileTime) value, null, null);
            case "lastAccessTime" -> setTimes(null, (FileTime) value, null);
            case "creationTime" -> setTimes(null, null, (FileTime) value);
            case "permissions" -> setPermissions((Set<PosixFilePermission>) value);
            case "owner" -> setOwner((UserPrincipal) value);
            case "group" -> setGroup((GroupPrincipal) value);
            case "mode" -> system.writable().chmod(place(), (Integer) value & 07777);
            case "uid" -> setOwner(new NumberedPrincipal((Integer) value));
            case "gid" -> setGroup(new NumberedPrincipal((Integer) value));
            default -> throw new IllegalArgumentException("attribute " + attribute + " is not set by anybody");
        }
    }

    private String place() throws IOException { return system.place(path, followed); }

    @Override public String name() { return "posix"; }

    @Override public VolumeAttributes readAttributes() throws IOException { return new VolumeAttributes(system.status(path, followed), system.volume().uuid()); }

    @Override public UserPrincipal getOwner() throws IOException { return readAttributes().owner(); }

    @Override public void setOwner(UserPrincipal owner) throws IOException { system.writable().chown(place(), NumberedPrincipal.number(owner), readAttributes().status().gid()); }

    @Override public void setGroup(GroupPrincipal group) throws IOException { system.writable().chown(place(), readAttributes().status().uid(), NumberedPrincipal.number(group)); }

    @Override
    public void setPermissions(Set<PosixFilePermission> permissions) throws IOException {
        int special = readAttributes().status().mode() & 07000;
        system.writable().chmod(place(), special | VolumeAttributes.mode(permissions));
    }

    /** Null leaves a time as it is; when a file was made is not kept. */
    @Override
    public void setTimes(FileTime modified, FileTime accessed, FileTime created) throws IOException {
        if (modified == null && accessed == null) return;
        VolumeAttributes is = readAttributes();
        if (is.status().type() == Type.SYMLINK) return; // as on most systems, a link's own times are nobody's business
        system.writable().times(place(), seconds(modified, is.status().modified()), seconds(accessed, is.status().accessed()));
    }

    private static long seconds(FileTime time, long otherwise) { return time == null ? otherwise : time.to(TimeUnit.SECONDS); }
}
