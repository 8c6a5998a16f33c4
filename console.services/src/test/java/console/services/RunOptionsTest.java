package console.services;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunOptionsTest {
    private static Map<String, String> keys(String... words) throws RunOptions.UsageException { return RunOptions.parse(List.of(words)).values(); }

    @Test
    void aKernelGetsItsInitrdAndCommandLine() throws Exception {
        Map<String, String> keys = keys("--memory", "64", "--kernel", "k", "--initrd", "i", "--append", "console=ttyS0 quiet", "--name", "n");
        assertEquals(Map.of("displayName", "n", "memsize", "64", "serial0.present", "TRUE", "boot.kernel", "k", "boot.initrd", "i", "boot.append", "console=ttyS0 quiet"), keys);
    }

    @Test
    void modulesKeepTheirOrder() throws Exception {
        Map<String, String> keys = keys("--multiboot", "e", "--module", "b first", "--module", "a");
        assertEquals("b first", keys.get("boot.module0"));
        assertEquals("a", keys.get("boot.module1"));
    }

    @Test
    void memoryIs256WhereNotGiven() throws Exception {
        assertEquals("256", keys("--rom", "r").get("memsize"));
    }

    @Test
    void debugDevicesAreThereOnlyWhenAskedFor() throws Exception {
        assertFalse(keys("--rom", "r").containsKey("debugexit.present"));
        assertFalse(keys("--rom", "r").containsKey("debugcon.present"));
        RunOptions options = RunOptions.parse(List.of("--rom", "r", "--debug-exit", "--debugcon", "--cpu-stats"));
        assertEquals("TRUE", options.values().get("debugexit.present"));
        assertEquals("TRUE", options.values().get("debugcon.present"));
        assertTrue(options.debugConsole() && options.cpuStats());
    }

    @Test
    void anEmptyCommandLineForTheGuestIsOne() throws Exception {
        assertEquals("", keys("--kernel", "k", "--append", "").get("boot.append"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", value = {
        "-                              | nothing to boot: one of --kernel, --multiboot and --rom is needed",
        "--kernel                       | --kernel needs an argument",
        "--kernel k --rom r             | --kernel and --rom exclude each other",
        "--rom r --rom s                | --rom is given twice",
        "--rom r --initrd i             | --initrd goes with --kernel, not with --rom",
        "--kernel k --module m          | --module goes with --multiboot, not with --kernel",
        "--rom r --append x             | --append goes with --kernel or --multiboot, not with --rom",
        "--rom r --memory 1g            | --memory 1g: a number of megabytes is needed, such as 256",
        "--rom r --memory -4            | --memory -4: a number of megabytes is needed, such as 256",
        "--rom r --nonsense             | unknown option --nonsense; see vmk run --help",
        "--rom r more                   | unexpected argument more; see vmk run --help"})
    void whatMakesNoSenseIsToldInOneLine(String words, String message) {
        List<String> arguments = words == null ? List.of() : List.of(words.trim().split(" "));
        assertEquals(message, assertThrows(RunOptions.UsageException.class, () -> RunOptions.parse(arguments)).getMessage());
    }

    @Test
    void statisticsAreOneLineWithADecimalPoint() {
        assertEquals("cpu-stats: 3000000 guest instructions, 1.500 seconds, 2.0 MIPS", RunMode.statistics(3_000_000, 1.5));
    }

    @Test
    void disksAreTargetsOfOneAdapterButItsOwn() throws Exception {
        String[] disks = new String[2 + 2 * 9];
        disks[0] = "--kernel";
        disks[1] = "k";
        for (int i = 0; i < 9; i++) {
            disks[2 + 2 * i] = "--disk";
            disks[3 + 2 * i] = "/d" + i;
        }
        Map<String, String> values = RunOptions.parse(List.of(disks)).values();
        assertEquals("lsilogic", values.get("scsi0.virtualDev"));
        assertEquals("/d6", values.get("scsi0:6.name"));
        assertEquals("/d7", values.get("scsi0:8.name"));
        assertNull(values.get("scsi0:7.present"));
    }
}
