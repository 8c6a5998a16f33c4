package vmkernel.core.storage;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.vm.VmException;

/**
 * The disks of one machine, from its power-on to its power-off, by the keys {@code scsiN:T.present}, {@code .name} (or
 * {@code .fileName}), {@code .mode}, {@code .deviceType} and {@code .shares} [ESX]. A name is a LUN or a partition of one; a virtual disk, on a
 * volume ({@code datastore:disk.vmdk}, {@code [datastore] dir/disk.vmdk}, {@code vmhba0:0:0:1:disk.vmdk}, {@code /vmfs/datastore/disk.vmdk}) or by its
 * path, which ends with .vmdk or .dsk; or the path of a raw file or block device. Paths are relative to the .vmx file's folder. Under the power lock but where said otherwise.
 */
public final class MachineDisks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MachineDisks.class);
    /** How long a driver that is just starting is waited for, and requests at power-off. */
    private static final long DRIVER_MILLIS = 2000, SETTLE_MILLIS = 5000;
    /** The id of the adapter itself on its bus. */
    private static final int ADAPTER_TARGET = 7, TARGETS = 16;

    private final StoragePaths storage;
    private final ImageDisks images;
    private final VmConfig config;
    private final String name;
    private final int machine;
    private final Path home;
    private final List<MachineDisk> disks = new CopyOnWriteArrayList<>();

    /**
     * @param name of the machine
     * @param machine world id
     * @param home folder of the installation: what disks in mode nonpersistent need goes to {@code var/redo} below it
     */
    public MachineDisks(StoragePaths storage, ImageDisks images, VmConfig config, String name, int machine, Path home) {
        this.storage = storage;
        this.images = images;
        this.config = config;
        this.name = name;
        this.machine = machine;
        this.home = home;
    }

    /**
     * Opens the disks of an adapter.
     *
     * @param prefix such as {@code scsi0}
     * @param devices see {@link MachineDisk}
     * @return by target
     * @throws VmException in one line: key, value, what is wrong, what to do. Disks that were opened before stay open until {@link #close}
     */
    public Map<Integer, VirtualDisk> open(String prefix, Executor devices) throws VmException {
        Map<Integer, VirtualDisk> found = new TreeMap<>();
        Pattern present = Pattern.compile(Pattern.quote(prefix.toLowerCase(Locale.ROOT)) + ":(\\d{1,3})\\.present");
        try {
            for (String key : config.keys()) {
                Matcher matcher = present.matcher(key.toLowerCase(Locale.ROOT));
                if (!matcher.matches() || !config.flag(key, false)) continue;
                int target = Integer.parseInt(matcher.group(1));
                if (target >= TARGETS || target == ADAPTER_TARGET) throw wrong(key, "targets 0 to 15 are possible, but for 7, which is the adapter itself");
                MachineDisk disk = open(key.substring(0, key.lastIndexOf('.')), key, devices);
                disks.add(disk);
                storage.machineDisks().add(disk);
                found.put(target, disk);
            }
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        }
        return found;
    }

    private VmException wrong(String key, String what) { return new VmException(key + " = \"" + config.text(key, "") + "\": " + what); }

    private MachineDisk open(String disk, String present, Executor devices) throws VmException {
        requireDisk(disk + ".deviceType");
        DiskMode mode = mode(disk + ".mode");
        String key = config.text(disk + ".name").isPresent() ? disk + ".name" : disk + ".fileName";
        String value = config.text(key, "").strip();
        if (value.isEmpty()) throw wrong(present, "there is no " + disk + ".name; it is a LUN such as vmhba0:1:0, a virtual disk such as datastore:disk.vmdk, or the path of a raw disk image");
        Medium medium = medium(key, value, disk, mode);
        try {
            if (mode == DiskMode.NONPERSISTENT) medium = over(medium, key, disk);
            shares(disk + ".shares", medium);
        } catch (VmException e) {
            medium.close();
            throw e;
        }
        return new MachineDisk(machine, StoragePaths.NAME.matcher(value).matches() ? value : disk.toLowerCase(Locale.ROOT), medium, devices);
    }

    private void requireDisk(String key) throws VmException {
        String type = config.text(key, "scsi-hardDisk");
        if (!List.of("scsi-harddisk", "disk", "rawdisk", "plaindisk").contains(type.toLowerCase(Locale.ROOT))) throw wrong(key, "is not in this release; scsi-hardDisk is");
    }

    private DiskMode mode(String key) throws VmException {
        return DiskMode.named(config.text(key, "persistent")).orElseThrow(() -> wrong(key, "persistent, nonpersistent, undoable or append is needed"));
    }

    private DiskMode.End end(String key) throws VmException {
        return DiskMode.constant(DiskMode.End.class, config.text(key, "keep")).orElseThrow(() -> wrong(key, "keep, commit or discard is needed"));
    }

    private Medium medium(String key, String value, String disk, DiskMode mode) throws VmException {
        String owner = name + " " + disk.toLowerCase(Locale.ROOT);
        boolean writing = mode != DiskMode.NONPERSISTENT;
        try {
            if (ImageDisks.named(value)) return images.open(value, config.resolve(""), owner, mode, end(disk + ".redoAtPowerOff"));
            if (mode.redo()) throw wrong(disk + ".mode", "is for virtual disks in files (.vmdk); a LUN or a raw disk image is persistent or nonpersistent");
            if (StoragePaths.NAME.matcher(value).matches()) {
                Extent extent = storage.await(value, DRIVER_MILLIS).orElseThrow(() -> wrong(key, "there is no such disk; there are " + known()));
                return storage.open(extent, owner, writing);
            }
            return storage.open(config.resolve(value), owner, writing);
        } catch (IOException | InvalidPathException e) {
            throw wrong(key, e.getMessage());
        }
    }

    private String known() {
        List<String> names = storage.devices().stream().map(BlockDevice::name).toList();
        return names.isEmpty() ? "none: no driver has found any" : String.join(", ", names.subList(0, Math.min(names.size(), 20)));
    }

    private Medium over(Medium base, String key, String disk) throws VmException {
        if (base.unit().blockBytes() % RawFile.BLOCK != 0) throw wrong(key, "has blocks of " + base.unit().blockBytes() + " bytes; a nonpersistent disk needs multiples of 512");
        Path folder = home.resolve("var/redo");
        try {
            long blocks = base.blocks() * (base.unit().blockBytes() / RawFile.BLOCK);
            return new Overlay(base, storage.scratch(folder, name.replaceAll("[^A-Za-z0-9_.-]", "_") + "-", blocks, name + " " + disk));
        } catch (IOException e) {
            throw new VmException(disk + ".mode = \"nonpersistent\": " + folder + " cannot take what will be written: " + e.getMessage());
        }
    }

    private void shares(String key, Medium medium) throws VmException {
        try {
            medium.share().shares(DiskShare.parse(config.text(key, "normal")));
        } catch (IllegalArgumentException e) {
            throw wrong(key, e.getMessage());
        }
    }

    /** What has gone that one of them needs, in words; empty if all is there. Any thread. */
    public Optional<String> missing() { return disks.stream().anyMatch(disk -> disk.medium().inFiles()) ? images.missing() : Optional.empty(); }

    /** The machine is reset: what is in flight is forgotten. Under the device lock. */
    public void reset() { disks.forEach(MachineDisk::forgetAll); }

    /** The machine goes off; its memory may be released afterwards. Under the device lock. Never throws. */
    @Override
    public void close() {
        for (MachineDisk disk : disks) {
            try {
                storage.machineDisks().remove(disk);
                if (!disk.close(SETTLE_MILLIS)) LOG.warn("{}: {} has requests that do not end", name, disk);
            } catch (RuntimeException e) {
                LOG.warn("{}: {} cannot be closed", name, disk, e);
            }
        }
        disks.clear();
    }
}
