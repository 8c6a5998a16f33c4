package firmware.bios;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import firmware.bios.tables.AcpiTables;
import firmware.bios.tables.Board;
import firmware.bios.tables.MpTable;
import firmware.bios.tables.RoutingTable;
import firmware.bios.tables.Smbios;
import org.osgi.service.component.annotations.Component;
import vmkernel.api.firmware.BootContext;
import vmkernel.api.firmware.BootException;
import vmkernel.api.firmware.Firmware;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;

/**
 * The firmware of a PC: sets the board up as a BIOS does and brings the guest to its first instruction, by the one of
 * {@code boot.kernel}, {@code boot.multiboot} and {@code boot.rom} that the configuration has. Stateless; any thread, one call
 * for each machine at a time.
 */
@Component
public final class PcBios implements Firmware {
    private static final String KERNEL = "boot.kernel", INITRD = "boot.initrd", MULTIBOOT = "boot.multiboot", MODULE = "boot.module",
            ROM = "boot.rom", APPEND = "boot.append";
    private static final List<String> WAYS = List.of(KERNEL, MULTIBOOT, ROM);

    @Override
    public CpuState boot(BootContext context) throws BootException {
        VmConfig config = context.config();
        return switch (way(config)) {
            case ROM -> bootRom(context);
            case MULTIBOOT -> bootMultiboot(context);
            default -> bootLinux(context);
        };
    }

    /** The one key that says what to start; refuses keys that belong to another way. */
    private static String way(VmConfig config) throws BootException {
        List<String> given = WAYS.stream().filter(key -> config.text(key).isPresent()).toList();
        if (given.isEmpty()) {
            throw new BootException(config.file() + ": nothing to start: set one of boot.kernel (Linux), boot.multiboot or boot.rom");
        }
        if (given.size() > 1) throw new BootException(config.file() + ": only one of " + String.join(", ", given) + " can be started: remove the others");
        String way = given.get(0);
        if (config.text(way).orElseThrow().isBlank()) throw new BootException(config.file() + ": " + way + " is empty: it names the file to start");
        if (!way.equals(KERNEL) && config.text(INITRD).isPresent()) throw new BootException(config.file() + ": boot.initrd goes with boot.kernel, not with " + way);
        if (!way.equals(MULTIBOOT) && !modules(config).isEmpty()) {
            throw new BootException(config.file() + ": " + modules(config).get(0) + " goes with boot.multiboot, not with " + way);
        }
        return way;
    }

    /** Keys {@code boot.module0}, {@code boot.module1}... in the order of their numbers, which may have gaps. */
    private static List<String> modules(VmConfig config) {
        return config.keys().stream().filter(key -> key.toLowerCase(Locale.ROOT).matches("boot\\.module\\d{1,9}"))
                .sorted(Comparator.comparingInt(key -> Integer.parseInt(key.substring(MODULE.length())))).toList();
    }

    private static CpuState bootLinux(BootContext context) throws BootException {
        VmConfig config = context.config();
        try (BootFile kernel = BootFile.open(KERNEL, config.path(KERNEL).orElseThrow());
                BootFile initrd = config.path(INITRD).isPresent() ? BootFile.open(INITRD, config.path(INITRD).get()) : null) {
            Powered powered = powerOn(context);
            if (powered.resumes) return CpuState.reset();
            return new LinuxLoader(context.memory(), powered.map, powered.rsdp).load(kernel, Optional.ofNullable(initrd), config.text(APPEND, ""));
        }
    }

    private static CpuState bootMultiboot(BootContext context) throws BootException {
        VmConfig config = context.config();
        List<MultibootLoader.Module> modules = new ArrayList<>();
        try (BootFile kernel = BootFile.open(MULTIBOOT, config.path(MULTIBOOT).orElseThrow())) {
            for (String key : modules(config)) {
                String string = config.text(key).orElseThrow().strip();
                modules.add(new MultibootLoader.Module(BootFile.open(key, config.resolve(string.split(" ", 2)[0])), string));
            }
            Powered powered = powerOn(context);
            if (powered.resumes) return CpuState.reset();
            String commandLine = (config.text(MULTIBOOT).orElseThrow() + " " + config.text(APPEND, "")).strip();
            return new MultibootLoader(context.memory(), powered.map).load(kernel, modules, commandLine);
        } finally {
            modules.forEach(module -> module.file().close());
        }
    }

    private static CpuState bootRom(BootContext context) throws BootException {
        try (BootFile file = BootFile.open(ROM, context.config().path(ROM).orElseThrow())) {
            return new RomLoader(context.memory()).load(file);
        }
    }

    /** What the power-on part of a BIOS leaves. @param resumes the guest wants to go on at its warm-reset vector, its memory untouched */
    private record Powered(MemoryMap map, long rsdp, boolean resumes) {}

    private static Powered powerOn(BootContext context) throws BootException {
        Board board = board(context);
        MemoryMap map = MemoryMap.of(context.memory());
        AcpiTables acpi = new AcpiTables(board);
        AcpiTables.Block tables = acpi.tables(map.acpi().start(), map.nvs().start());
        SystemRom rom = new SystemRom();
        long rsdp = rom.place(AcpiTables.rootPointer(tables), 16);
        Smbios.Structures structures = Smbios.structures(board);
        rom.place(Smbios.entryPoint(structures, rom.place(structures.bytes(), 16)), 16);
        rom.place(MpTable.pointer(rom.place(MpTable.table(board), 16)), 16);
        rom.place(RoutingTable.table(), 16);
        rom.map(context.memory());

        ChipsetSetup chipset = new ChipsetSetup(context.ports(), context.mmio(), board);
        boolean resumes = chipset.resumes();
        chipset.run(resumes);
        if (!resumes) {
            BiosData.write(context.memory(), board);
            put(context, tables.bytes(), tables.address());
            put(context, AcpiTables.facs(), map.nvs().start());
        }
        return new Powered(map, rsdp, resumes);
    }

    private static void put(BootContext context, byte[] bytes, long address) { context.memory().write(address, bytes, 0, bytes.length); }

    private static Board board(BootContext context) throws BootException {
        List<Integer> serialPorts = new ArrayList<>();
        try {
            for (int i = 0; i < Board.SERIAL_PORTS; i++) if (context.config().flag("serial" + i + ".present", false)) serialPorts.add(i);
        } catch (VmConfigException e) {
            throw new BootException(e.getMessage(), e);
        }
        return new Board(context.cpus(), context.memory().sizeBytes(), context.memory().lowMemoryTop(), serialPorts);
    }
}
