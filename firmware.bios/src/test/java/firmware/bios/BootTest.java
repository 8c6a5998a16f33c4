package firmware.bios;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which of the ways to start is taken, and what is said when none can be. */
class BootTest {
    @TempDir Path folder;

    @Test
    void aConfigurationThatNamesNothingToStartSaysWhatToSet() {
        assertEquals(folder.resolve("test.vmx") + ": nothing to start: set one of boot.kernel (Linux), boot.multiboot or boot.rom",
                new FakeMachine(folder, 8).failure());
    }

    @Test
    void twoThingsToStartAreRefusedByName() {
        assertEquals(folder.resolve("test.vmx") + ": only one of boot.kernel, boot.rom can be started: remove the others",
                new FakeMachine(folder, 8).with("boot.rom", "r").with("boot.kernel", "k").failure());
    }

    @Test
    void keysOfAnotherWayToStartAreRefused() {
        assertEquals(folder.resolve("test.vmx") + ": boot.initrd goes with boot.kernel, not with boot.rom",
                new FakeMachine(folder, 8).with("boot.rom", "r").with("boot.initrd", "i").failure());
        assertEquals(folder.resolve("test.vmx") + ": boot.module3 goes with boot.multiboot, not with boot.kernel",
                new FakeMachine(folder, 8).with("boot.kernel", "k").with("boot.module3", "m").failure());
        assertEquals(folder.resolve("test.vmx") + ": boot.kernel is empty: it names the file to start",
                new FakeMachine(folder, 8).with("boot.kernel", " ").failure());
    }

    @Test
    void aFileThatCannotBeReadIsNamedWithItsKeyAndTheReason() throws IOException {
        for (String key : new String[] {"boot.kernel", "boot.multiboot", "boot.rom"}) {
            assertEquals(key + ": " + folder.resolve("none") + ": no such file", new FakeMachine(folder, 8).with(key, "none").failure());
            assertEquals(key + ": " + folder + ": is not a regular file", new FakeMachine(folder, 8).with(key, folder).failure());
        }
        Path locked = Files.write(folder.resolve("locked"), new byte[4096]);
        if (!locked.toFile().setReadable(false) || Files.isReadable(locked)) return; // root reads everything
        assertEquals("boot.rom: " + locked + ": no permission to read it", new FakeMachine(folder, 8).with("boot.rom", "locked").failure());
    }

    @Test
    void everyFailureIsOneLine() {
        assertFalse(new FakeMachine(folder, 8).failure().contains("\n"));
    }
}
