package console.services;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The arguments of a command, by the annotations of picocli. */
final class Arguments {
    private Arguments() {}

    /** @param command gets its fields filled @return the command; empty if its help was wanted, which is printed */
    static <T> Optional<T> parse(T command, List<?> arguments) {
        CommandLine line = new CommandLine(command).setUsageHelpWidth(110);
        try {
            CommandLine.ParseResult result = line.parseArgs(arguments.stream().map(String::valueOf).toArray(String[]::new));
            if (!result.isUsageHelpRequested()) return Optional.of(command);
            System.out.print(line.getUsageMessage());
            return Optional.empty();
        } catch (ParameterException e) {
            throw new CommandException(line.getCommandName() + ": " + e.getMessage().lines().findFirst().orElse("") + "; see " + line.getCommandName() + " --help");
        }
    }
}
