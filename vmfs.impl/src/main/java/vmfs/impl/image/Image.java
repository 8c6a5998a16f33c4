package vmfs.impl.image;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.Partition;
import vmkernel.api.storage.PartitionTable;

/**
 * The devices of one volume: image files or partitions, {@code FILE} or {@code FILE:NUMBER}, with commas between several extents. Where no
 * number is given and there is a partition table, it is the only VMFS partition.
 */
public final class Image implements Closeable {
    private static final Pattern NUMBERED = Pattern.compile("(.*):(\\d{1,4})");

    private final FileSystem kind;
    private final boolean readOnly;
    private final List<FileDevice> files = new ArrayList<>();
    private final List<BlockDevice> devices = new ArrayList<>();
    private final List<Closeable> mounted = new ArrayList<>();

    private Image(FileSystem kind, boolean readOnly) {
        this.kind = kind;
        this.readOnly = readOnly;
    }

    private interface Place {
        BlockDevice of(FileDevice file, Optional<Integer> number) throws IOException;
    }

    /** Opens the devices of a volume. @throws IOException in one line */
    public static Image open(FileSystem kind, String specification, boolean readOnly) throws IOException {
        Image image = new Image(kind, readOnly);
        return image.opened(specification, image::extent);
    }

    /** Opens what a volume is to be made on. */
    public static Image blank(FileSystem kind, String specification) throws IOException {
        Image image = new Image(kind, false);
        return image.opened(specification, image::room);
    }

    private Image opened(String specification, Place place) throws IOException {
        try {
            for (Part part : parts(specification)) add(part, place);
            return this;
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** An extent as it is written. */
    private record Part(Path file, Optional<Integer> number) {
        static Part of(String text) {
            Matcher numbered = NUMBERED.matcher(text);
            boolean number = !Files.exists(Path.of(text)) && numbered.matches();
            return number ? new Part(Path.of(numbered.group(1)), Optional.of(Integer.valueOf(numbered.group(2)))) : new Part(Path.of(text), Optional.empty());
        }
    }

    /** A file may have commas and colons in its name. */
    private static List<Part> parts(String specification) {
        Part whole = Part.of(specification);
        return Files.exists(whole.file) ? List.of(whole) : Arrays.stream(specification.split(",")).map(Part::of).toList();
    }

    /** The files that are named. */
    public static List<Path> files(String specification) { return parts(specification).stream().map(Part::file).toList(); }

    private void add(Part part, Place place) throws IOException {
        FileDevice file = FileDevice.open(part.file, readOnly);
        files.add(file);
        devices.add(place.of(file, part.number));
    }

    private BlockDevice extent(FileDevice file, Optional<Integer> number) throws IOException {
        BlockDevice device = number.isEmpty() && kind.probe(file).isPresent() ? file : partition(file, number)
            .orElseThrow(() -> new IOException(file.name() + ": there is no VMFS volume in it" + hint(file)));
        if (device != file && kind.probe(device).isEmpty()) throw new IOException(device.name() + ": there is no VMFS volume in it");
        return device;
    }

    private static String hint(FileDevice file) {
        if (file.blocks() == 0) return ": it is empty";
        return file.blocks() * file.blockBytes() < 32 << 20 ? ": it has " + file.blocks() * file.blockBytes() + " bytes only" : ", nor a VMFS partition; is it a raw image?";
    }

    private BlockDevice room(FileDevice file, Optional<Integer> number) throws IOException {
        Optional<BlockDevice> partition = partition(file, number);
        if (partition.isEmpty() && !PartitionTable.read(file).isEmpty()) throw new IOException(file.name() + ": has partitions, none of type VMFS; say which one: " + file.name() + ":NUMBER");
        return partition.orElse(file);
    }

    private static Optional<BlockDevice> partition(FileDevice file, Optional<Integer> number) throws IOException {
        List<Partition> table = PartitionTable.read(file);
        List<Partition> fit = table.stream().filter(entry -> number.isPresent() ? entry.number() == number.get() : entry.vmfs()).toList();
        if (number.isPresent() && fit.isEmpty()) throw new IOException(file.name() + ": has no partition " + number.get() + "; there are: " + numbers(table));
        if (fit.size() > 1) throw new IOException(file.name() + ": has VMFS partitions " + numbers(fit) + "; say which one: " + file.name() + ":" + fit.get(0).number());
        return fit.stream().findFirst().map(file::part);
    }

    private static String numbers(List<Partition> partitions) {
        return partitions.isEmpty() ? "none" : partitions.stream().map(entry -> Integer.toString(entry.number())).collect(Collectors.joining(", "));
    }

    /** Whether there is a volume, without a word about why not. */
    public static boolean recognized(FileSystem kind, String specification) {
        try (Image image = open(kind, specification, true)) {
            return !image.devices().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    public List<BlockDevice> devices() { return List.copyOf(devices); }

    /** Takes the volume into use; it ends with this. */
    public MountedVolume mount() throws IOException {
        for (BlockDevice device : devices) {
            int extents = kind.probe(device).orElseThrow().extents();
            if (extents != devices.size()) throw new IOException(device.name() + ": is one of " + extents + " extents of its volume; name all of them with commas between");
        }
        LocalHost host = new LocalHost(readOnly);
        mounted.add(host::close);
        MountedVolume volume = kind.mount(devices, host, Optional.empty());
        mounted.add(0, volume::close);
        return volume;
    }

    @Override
    public void close() throws IOException {
        for (Closeable part : mounted) part.close();
        for (FileDevice file : files) file.close();
    }
}
