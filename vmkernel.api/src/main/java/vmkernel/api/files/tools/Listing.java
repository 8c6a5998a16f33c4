package vmkernel.api.files.tools;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileStatus.Type;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.VolumeSpace;

/**
 * Lists files and volumes as {@code ls} and {@code df} do.
 *
 * @param all with names that begin with a dot, and the file system's own files
 * @param details a line for each with type, permissions, owner, size, time
 * @param recursive with what is in folders below
 * @param human sizes with units
 */
public record Listing(boolean all, boolean details, boolean recursive, boolean human) {
    /** Of a time's text in ISO 8601, down to the minute. */
    private static final int TO_THE_MINUTE = "2000-01-01T00:00".length();

    /** Prints files and what is in folders. @throws IOException in one line; what was found before is printed */
    public void print(List<VolumePath> places, PrintStream out) throws IOException {
        List<VolumePath> folders = new ArrayList<>();
        List<FileStatus> files = new ArrayList<>();
        for (VolumePath place : places) {
            FileStatus status = place.volume().status(place.path());
            if (folder(place, status)) folders.add(place);
            else lines(place.sibling(""), List.of(named(status, place.path())), out);
        }
        boolean titled = recursive || places.size() > 1;
        for (VolumePath folder : folders) folder(folder, titled, out);
    }

    /** A symbolic link to a folder is listed as one, unless details of the link are wanted. */
    private boolean folder(VolumePath place, FileStatus status) {
        if (status.type() == Type.DIRECTORY) return true;
        if (status.type() != Type.SYMLINK || details) return false;
        try {
            return place.volume().status(place.path() + "/.").type() == Type.DIRECTORY;
        } catch (IOException e) {
            return false;
        }
    }

    private static FileStatus named(FileStatus is, String name) {
        return new FileStatus(name, is.id(), is.type(), is.length(), is.allocatedBytes(), is.links(), is.mode(), is.uid(), is.gid(), is.modified(), is.changed(), is.accessed());
    }

    private void folder(VolumePath folder, boolean titled, PrintStream out) throws IOException {
        List<FileStatus> entries = folder.volume().list(folder.path()).stream().filter(entry -> all || !entry.name().startsWith(".")).sorted(Comparator.comparing(FileStatus::name)).toList();
        if (titled) out.println(folder.path() + ":");
        lines(folder, entries, out);
        if (titled) out.println();
        if (!recursive) return;
        for (FileStatus entry : entries) {
            if (entry.type() == Type.DIRECTORY) folder(below(folder, entry.name()), true, out);
        }
    }

    private static VolumePath below(VolumePath folder, String name) { return new VolumePath(folder.volume(), (folder.path().endsWith("/") ? folder.path() : folder.path() + "/") + name); }

    private void lines(VolumePath folder, List<FileStatus> entries, PrintStream out) throws IOException {
        if (!details) {
            for (FileStatus entry : entries) out.println(entry.name());
            return;
        }
        int width = entries.stream().mapToInt(entry -> size(entry.length()).length()).max().orElse(1);
        for (FileStatus is : entries) {
            String link = is.type() == Type.SYMLINK ? " -> " + folder.volume().target(is.name().startsWith("/") ? is.name() : below(folder, is.name()).path()) : "";
            // without printf, which takes longer than all the rest
            out.println(mode(is) + right(Integer.toString(is.links()), 4) + " " + left(is.uid()) + " " + left(is.gid()) + right(size(is.length()), width + 1) + " " + time(is.modified()) + " " + is.name() + link);
        }
    }

    private static String right(String text, int width) { return " ".repeat(Math.max(0, width - text.length())) + text; }

    private static String left(int number) { return number + " ".repeat(Math.max(0, 5 - Integer.toString(number).length())); }

    private String size(long bytes) { return human ? Sizes.human(bytes) : Long.toString(bytes); }

    /** @param seconds since 1970 @return in the zone of the machine, to the minute */
    public static String time(long seconds) { return Instant.ofEpochSecond(seconds).atZone(ZoneId.systemDefault()).toString().substring(0, TO_THE_MINUTE).replace('T', ' '); }

    /** Type and permissions, {@code drwxr-xr-x}; {@code t} and {@code s} as on Unix. */
    public static String mode(FileStatus is) {
        StringBuilder text = new StringBuilder(is.type() == Type.DIRECTORY ? "d" : is.type() == Type.SYMLINK ? "l" : "-");
        for (int bit = 8; bit >= 0; bit--) text.append((is.mode() >> bit & 1) != 0 ? "xwr".charAt(bit % 3) : '-');
        if ((is.mode() & 04000) != 0) text.setCharAt(3, text.charAt(3) == 'x' ? 's' : 'S');
        if ((is.mode() & 02000) != 0) text.setCharAt(6, text.charAt(6) == 'x' ? 's' : 'S');
        if ((is.mode() & 01000) != 0) text.setCharAt(9, text.charAt(9) == 'x' ? 't' : 'T');
        return text.toString();
    }

    /** Prints the room of volumes, one a line, with the places where they are; sizes without units are in kilobytes. */
    public void space(Map<Volume, String> places, PrintStream out) throws IOException {
        out.printf("%-20s %-10s %12s %12s %12s %4s  %s%n", "Filesystem", "Type", human ? "Size" : "1K-blocks", "Used", "Available", "Use%", "Mounted on");
        for (Volume volume : places.keySet()) {
            VolumeSpace space = volume.space();
            long used = space.bytes() - space.freeBytes();
            // rounded up as df does: what is not quite empty is not 0%
            long percent = space.bytes() == 0 ? 0 : (long) Math.ceil(100.0 * used / space.bytes());
            out.printf("%-20s %-10s %12s %12s %12s %3d%%  %s%n", volume.label().isEmpty() ? volume.uuid() : volume.label(), volume.type(), kilobytes(space.bytes()), kilobytes(used),
                kilobytes(space.freeBytes()), percent, places.get(volume));
        }
    }

    private String kilobytes(long bytes) { return human ? Sizes.human(bytes) : Long.toString(bytes >> 10); }
}
