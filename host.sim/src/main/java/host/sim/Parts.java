package host.sim;

import host.sim.array.Board;
import host.sim.array.SmartArray;
import host.sim.bus.HardwareException;
import host.sim.bus.Model;
import host.sim.bus.Settings;
import host.sim.bus.Slot;
import host.sim.net.Wires;
import host.sim.nic.Intel8255x;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import vmkernel.api.host.HostFiles;
import vmkernel.api.host.HostNetwork;

/** Makes models of devices by the names that the hardware file has for them, and holds what they share. */
final class Parts {
    private final Path home;
    private final Supplier<Optional<HostFiles>> files;
    private final Wires wires;
    private final Consumer<String> complain;

    /**
     * @param home relative paths begin there
     * @param files,network of the machine below, asked when they are needed
     * @param complain is told in one line of what is missing for a device that works without
     */
    Parts(Path home, Supplier<Optional<HostFiles>> files, Supplier<Optional<HostNetwork>> network, Consumer<String> complain) {
        this.home = home;
        this.files = files;
        this.wires = new Wires(home, network);
        this.complain = complain;
    }

    /** @throws HardwareException if there is no such model, or not with these settings */
    Model make(Settings settings, Slot slot) throws HardwareException {
        String name = settings.text("model").strip().toLowerCase(Locale.ROOT);
        return switch (name) {
            case "i82557", "i82558", "i82559" -> Intel8255x.of(slot, settings, wires);
            default -> {
                Board board = Board.named(name);
                if (board == null) throw settings.wrong("model", "there is no such model");
                yield SmartArray.of(board, settings, slot, home, files, complain);
            }
        };
    }
}
