package console.services;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The options of {@code vmk run}, as keys of a .vmx configuration.
 *
 * @param values configuration of the machine
 * @param debugConsole true if port 0xE9 goes to standard error
 * @param cpuStats true if guest instructions, seconds and MIPS are told at the end
 */
record RunOptions(Map<String, String> values, boolean debugConsole, boolean cpuStats) {
    private static final Set<String> REPEATED = Set.of("--module", "--disk");
    /** Of a SCSI bus, and the one that the adapter itself has. */
    private static final int TARGETS = 16, ADAPTER_TARGET = 7;
    static final String USAGE = """
        usage: vmk run [--memory MB] (--kernel FILE [--initrd FILE] | --multiboot ELF [--module "FILE ARGUMENTS"]... | --rom FILE)
                       [--append "COMMAND LINE"] [--disk FILE]... [--name NAME] [--monitor NAME] [--debug-exit] [--debugcon] [--cpu-stats]
          --memory MB       guest memory, a multiple of 4; 256 if not given
          --kernel FILE     a Linux kernel (bzImage), with --initrd FILE as its initial RAM disk
          --multiboot ELF   a multiboot 1 kernel (ELF32), each --module FILE loaded for it, in order
          --rom FILE        an image that ends at 4 GiB and starts at the reset vector
          --append TEXT     command line of --kernel or --multiboot
          --disk FILE       a raw file, whole sectors of 512 bytes: the next disk of an lsilogic SCSI adapter
          --name NAME       name of the machine
          --monitor NAME    monitor that executes the virtual CPU
          --debug-exit      a write of v to port 0xF4 ends the run with status (2*v+1)&0xff
          --debugcon        bytes written to port 0xE9 go to standard error
          --cpu-stats       at the end, tell guest instructions, seconds and MIPS on standard error
        COM1 is standard input and output; Ctrl-] ends the run when standard input is a terminal.
        Status: 0 after a power-off, (2*v+1)&0xff after a debug exit, 1 after a failure, 2 for wrong options.
        """;

    /** Options that make no sense; the message is one line. */
    static final class UsageException extends Exception {
        private static final long serialVersionUID = 1;

        UsageException(String message) { super(message); }
    }

    static RunOptions parse(List<String> arguments) throws UsageException {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("displayName", "run-" + ProcessHandle.current().pid());
        values.put("memsize", "256");
        values.put("serial0.present", "TRUE");
        Set<String> seen = new HashSet<>();
        List<String> modules = new ArrayList<>();
        List<String> disks = new ArrayList<>();
        for (Iterator<String> words = arguments.iterator(); words.hasNext(); ) {
            String option = words.next();
            if (!REPEATED.contains(option) && !seen.add(option)) throw new UsageException(option + " is given twice");
            switch (option) {
                case "--memory" -> values.put("memsize", megabytes(argument(option, words)));
                case "--kernel", "--initrd", "--multiboot", "--rom", "--append" -> values.put("boot." + option.substring(2), argument(option, words));
                case "--module" -> modules.add(argument(option, words));
                case "--disk" -> disks.add(argument(option, words));
                case "--name" -> values.put("displayName", argument(option, words));
                case "--monitor" -> values.put("monitor", argument(option, words));
                case "--debug-exit" -> values.put("debugexit.present", "TRUE");
                case "--debugcon" -> values.put("debugcon.present", "TRUE");
                case "--cpu-stats" -> { }
                default -> throw new UsageException((option.startsWith("-") ? "unknown option " : "unexpected argument ") + option + "; see vmk run --help");
            }
        }
        for (int i = 0; i < modules.size(); i++) values.put("boot.module" + i, modules.get(i));
        addDisks(values, disks);
        checkBoot(seen, !modules.isEmpty());
        return new RunOptions(values, seen.contains("--debugcon"), seen.contains("--cpu-stats"));
    }

    private static void addDisks(Map<String, String> values, List<String> files) throws UsageException {
        if (files.size() > TARGETS - 1) throw new UsageException("--disk is given " + files.size() + " times; " + (TARGETS - 1) + " disks are the most");
        if (files.isEmpty()) return;
        values.put("scsi0.present", "TRUE");
        values.put("scsi0.virtualDev", "lsilogic");
        for (int i = 0; i < files.size(); i++) {
            String disk = "scsi0:" + (i < ADAPTER_TARGET ? i : i + 1);
            values.put(disk + ".present", "TRUE");
            values.put(disk + ".name", Path.of(files.get(i)).toAbsolutePath().normalize().toString());
        }
    }

    private static void checkBoot(Set<String> seen, boolean modules) throws UsageException {
        List<String> sources = List.of("--kernel", "--multiboot", "--rom").stream().filter(seen::contains).toList();
        if (sources.isEmpty()) throw new UsageException("nothing to boot: one of --kernel, --multiboot and --rom is needed");
        if (sources.size() > 1) throw new UsageException(String.join(" and ", sources) + " exclude each other");
        String source = sources.get(0);
        if (seen.contains("--initrd") && !source.equals("--kernel")) throw new UsageException("--initrd goes with --kernel, not with " + source);
        if (modules && !source.equals("--multiboot")) throw new UsageException("--module goes with --multiboot, not with " + source);
        if (seen.contains("--append") && source.equals("--rom")) throw new UsageException("--append goes with --kernel or --multiboot, not with --rom");
    }

    private static String argument(String option, Iterator<String> words) throws UsageException {
        if (!words.hasNext()) throw new UsageException(option + " needs an argument");
        String argument = words.next();
        if (argument.isEmpty() && !option.equals("--append")) throw new UsageException(option + " needs an argument that is not empty");
        return argument;
    }

    private static String megabytes(String text) throws UsageException {
        if (!text.matches("[0-9]{1,9}")) throw new UsageException("--memory " + text + ": a number of megabytes is needed, such as 256");
        return Integer.toString(Integer.parseInt(text));
    }
}
