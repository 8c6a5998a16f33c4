package vmkernel.core.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.proc.ProcNode;
import vmkernel.core.files.Datastore;
import vmkernel.core.files.FileCounters;
import vmkernel.core.files.HostVolumes;

/** The nodes of volumes: {@code filesystem/volumes}, and {@code filesystem/NAME/status} and {@code files} of each. */
final class FileNodes {
    private final HostVolumes volumes;

    FileNodes(HostVolumes volumes) { this.volumes = volumes; }

    List<ProcNode> nodes() {
        List<ProcNode> nodes = new ArrayList<>();
        nodes.add(new TextNode("filesystem/volumes", this::all));
        for (Datastore volume : volumes.datastores()) {
            String at = "filesystem/" + volume.label().replace('/', '_') + "/";
            nodes.add(new TextNode(at + "status", () -> status(volume)));
            nodes.add(new TextNode(at + "files", () -> files(volume)));
        }
        return nodes;
    }

    private String all() {
        StringBuilder text = new StringBuilder(String.format("%-24s %-36s %-12s %-8s %5s  %s%n", "name", "uuid", "type", "state", "files", "devices"));
        for (Datastore volume : volumes.datastores()) {
            text.append(String.format(Locale.ROOT, "%-24s %-36s %-12s %-8s %5d  %s%n", volume.label(), volume.uuid(), volume.type(), state(volume), volume.files().size(), volume.deviceNames()));
        }
        return text.toString();
    }

    private static String state(Datastore volume) { return !volume.isPresent() ? "waiting" : volume.readOnly().isPresent() ? "readonly" : "mounted"; }

    private static String status(Datastore volume) {
        StringBuilder text = new StringBuilder();
        text.append(String.format("Type:    %s%nUUID:    %s%nDevices: %s%nState:   %s%s%n", volume.type(), volume.uuid(), volume.deviceNames(), state(volume), volume.readOnly().map(why -> ": " + why).orElse("")));
        if (volume.isPresent()) text.append(space(volume));
        FileCounters.Values now = volume.counters();
        return text.append(String.format(Locale.ROOT, "%n%10s %10s %10s %10s%n%10d %10d %10d %10d%n", "KBread", "KBwritten", "reads", "writes", now.kbRead(), now.kbWritten(), now.reads(), now.writes())).toString();
    }

    private static String space(Datastore volume) {
        try {
            VolumeSpace space = volume.space();
            return String.format(Locale.ROOT, "Blocks:  %d KB%nSize:    %d MB%nFree:    %d MB%nFiles:   %d of %d free%n", space.blockBytes() >> 10, space.bytes() >> 20, space.freeBytes() >> 20, space.freeFiles(), space.files());
        } catch (IOException e) {
            return "Size:    not known: " + e.getMessage() + System.lineSeparator();
        }
    }

    private static String files(Datastore volume) {
        StringBuilder text = new StringBuilder(String.format("%6s %-6s %s%n", "handle", "mode", "path"));
        for (VmFile file : volume.files()) text.append(String.format(Locale.ROOT, "%6d %-6s %s%n", file.handle(), file.mode().name().toLowerCase(Locale.ROOT), file.path()));
        return text.toString();
    }
}
