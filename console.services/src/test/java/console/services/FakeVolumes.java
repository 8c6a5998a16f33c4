package console.services;

import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import vmfs.impl.disk.VmdkFormats;
import vmfs.impl.image.Image;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.Storage;
import vmkernel.core.files.HostFolder;

/** Real volumes in images of a folder, without the kernel: device vmhba0:N:0 is the image that was added as number N. */
final class FakeVolumes implements Volumes, Closeable {
    private static final Pattern IN_VOLUME = Pattern.compile("/vmfs/(?:volumes/)?([^/]+)(.*)|([^/]+):(.*)");

    private final FileSystem kind = new VmfsFileSystem();
    private final HostFolder host = new HostFolder();
    private final List<Path> images = new ArrayList<>();
    private final List<Image> open = new ArrayList<>();
    private final List<Mounted> mounted = new ArrayList<>();

    FakeVolumes(Path... images) { this.images.addAll(List.of(images)); }

    /** The disks below. */
    Storage storage() {
        return (Storage) Proxy.newProxyInstance(Storage.class.getClassLoader(), new Class<?>[] {Storage.class}, (proxy, method, arguments) -> switch (method.getName()) {
            case "find" -> device(arguments[0]);
            case "devices" -> images.stream().map(image -> device("vmhba0:" + images.indexOf(image) + ":0").orElseThrow()).toList();
            default -> null;
        });
    }

    private Optional<BlockDevice> device(Object name) {
        Matcher device = Pattern.compile("(vmhba0:(\\d+):0)(?::0)?").matcher(name.toString());
        return device.matches() && Integer.parseInt(device.group(2)) < images.size() ? Optional.of(device(images.get(Integer.parseInt(device.group(2))), device.group(1))) : Optional.empty();
    }

    /** A device by its name, whose image is opened when it is used. */
    private static BlockDevice device(Path image, String name) {
        return (BlockDevice) Proxy.newProxyInstance(BlockDevice.class.getClassLoader(), new Class<?>[] {BlockDevice.class}, (proxy, method, arguments) -> switch (method.getName()) {
            case "name", "toString" -> name;
            case "submit" -> {
                ((java.util.function.Consumer<Object>) (Object) arguments[3]).accept(vmkernel.api.storage.BlockResult.GOOD);
                yield null;
            }
            default -> throw new UnsupportedOperationException(image + ": " + method);
        });
    }

    @Override
    public List<Mounted> mounted() { return List.copyOf(mounted); }

    @Override public Optional<Volume> find(String name) { return mounted.stream().map(Mounted::volume).filter(volume -> volume.label().equals(name) || volume.uuid().equals(name)).findFirst(); }

    @Override
    public VolumePath resolve(String path) throws IOException {
        Matcher there = IN_VOLUME.matcher(path);
        if (!there.matches()) return new VolumePath(host, path);
        String name = there.group(1) == null ? there.group(3) : there.group(1);
        String rest = there.group(1) == null ? there.group(4) : there.group(2);
        return new VolumePath(find(name).orElseThrow(() -> new IOException("there is no volume " + name)), rest.startsWith("/") ? rest : "/" + rest);
    }

    private Path image(BlockDevice device) { return images.get(Integer.parseInt(device.name().split(":")[1])); }

    @Override
    public void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException {
        try (Image blank = Image.blank(kind, image(device).toString())) {
            kind.format(blank.devices().get(0), options, progress);
        }
        mount(device);
    }

    private void mount(BlockDevice device) throws IOException {
        Image image = Image.open(kind, image(device).toString(), false);
        open.add(image);
        mounted.add(new Mounted(image.mount(), List.of(device), 0));
    }

    @Override
    public CheckReport check(BlockDevice device, boolean repair, Progress progress) throws IOException {
        try (Image image = Image.open(kind, image(device).toString(), !repair)) {
            return kind.check(image.devices(), repair, progress);
        }
    }

    @Override public void rescan() { }

    @Override
    public void unmount(Volume volume) {
        mounted.removeIf(known -> known.volume() == volume);
        ((MountedVolume) volume).close();
    }

    @Override public java.nio.file.FileSystem fileSystem(Volume volume) { return kind.fileSystem(volume); }

    @Override public DiskFormats disks() { return new VmdkFormats(); }

    @Override
    public void close() throws IOException {
        for (Image image : open) image.close();
    }
}
