package vmfs.impl.command;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import vmfs.impl.disk.VmdkFormats;
import vmfs.impl.volume.VmfsFileSystem;

/** Starts the command. The system property {@code vmfs.terminal} says that standard error is one. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(new VmfsCommand(new VmfsFileSystem(), VmdkFormats::new, new FileOutputStream(FileDescriptor.out), System.err, Boolean.getBoolean("vmfs.terminal")).run(arguments));
    }
}
