package vmk.launcher;

import java.util.List;

/**
 * What the command line asks for.
 *
 * @param mode shell, script, run or demo
 * @param arguments for the mode; a script gets {@code -c TEXT} or {@code FILE ARGUMENT...}
 * @param text to be printed instead of anything else, or null
 */
record CommandLine(String mode, List<String> arguments, String text) {
    static final String USAGE = """
        usage: vmk                      the service console: an interactive shell
               vmk FILE.gosh [ARG...]   run a script of shell commands
               vmk -c "COMMAND"         run shell commands
               vmk run OPTION...        one virtual machine in one shot; vmk run --help
               vmk demo                 Debian in a virtual machine
               vmk test                 all tests
               vmk --help | --version
        """;

    /** A command line that makes no sense; the message is one line. */
    static final class UsageException extends Exception {
        private static final long serialVersionUID = 1;

        UsageException(String message) { super(message); }
    }

    /** True for a long-lived host with the registered virtual machines; false for a one-shot run. */
    boolean host() { return !mode.equals("run"); }

    static CommandLine parse(String... args) throws UsageException {
        List<String> all = List.of(args);
        if (all.isEmpty()) return new CommandLine("shell", all, null);
        List<String> rest = all.subList(1, all.size());
        switch (all.get(0)) {
            case "--help", "-h", "-?", "help":
                return new CommandLine("help", rest, USAGE);
            case "--version":
                String version = Main.class.getPackage().getImplementationVersion();
                return new CommandLine("help", rest, "vmk " + (version == null ? "(not built)" : version) + "\n");
            case "run":
                return new CommandLine("run", rest, null);
            case "demo":
                if (!rest.isEmpty()) throw new UsageException("demo takes no arguments, but got " + rest.get(0));
                return new CommandLine("demo", rest, null);
            case "-c":
                if (rest.size() != 1) throw new UsageException("-c needs one argument, the commands in quotes, but got " + rest.size());
                return new CommandLine("script", all, null);
            default:
                if (all.get(0).startsWith("-")) throw new UsageException("unknown option " + all.get(0) + "; see vmk --help");
                return new CommandLine("script", all, null);
        }
    }
}
