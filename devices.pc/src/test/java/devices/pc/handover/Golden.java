package devices.pc.handover;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import vmkernel.api.handover.SavedState;

/** Writes golden states of the present versions into a folder, to be added to those of older ones. */
public final class Golden {
    private Golden() {}

    public static void main(String[] arguments) throws IOException {
        BusyGuest guest = new BusyGuest(1);
        for (int i = 0; i < 3000; i++) guest.step();
        for (String device : List.of("board", "serial0", "debugcon", "ethernet0")) write(Path.of(arguments[0]), device, guest.pc.save(device));
    }

    /** As {@code DEVICE-VERSION.state}, with a first line of schema and version. */
    public static void write(Path folder, String device, SavedState state) throws IOException {
        byte[] head = (state.schema() + " " + state.version() + "\n").getBytes(StandardCharsets.US_ASCII), all = new byte[head.length + state.data().length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(state.data(), 0, all, head.length, state.data().length);
        Files.write(folder.resolve(device + "-" + state.version() + ".state"), all);
    }
}
