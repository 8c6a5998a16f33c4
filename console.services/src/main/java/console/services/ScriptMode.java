package console.services;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.felix.gogo.runtime.EOFError;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.apache.felix.service.command.Job;
import org.apache.felix.service.command.Result;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** {@code vmk FILE.gosh} and {@code vmk -c}: commands without a terminal, with clean output and a status. */
@Component(service = ToIntFunction.class, property = "vmk.mode=script")
public final class ScriptMode implements ToIntFunction<List<String>> {
    private final Shells shells;

    @Activate
    public ScriptMode(@Reference Shells shells, @Reference ProcCommands proc, @Reference FileCommands files, @Reference VmCommands commands) { this.shells = shells; }

    @Override
    public int applyAsInt(List<String> arguments) {
        try {
            if (arguments.get(0).equals("-c")) return run(arguments.get(1), null, List.of());
            Path file = Path.of(arguments.get(0));
            return run(Files.readString(file), file, arguments.subList(1, arguments.size()));
        } catch (IOException e) {
            System.err.println("vmk: " + arguments.get(0) + (Files.exists(Path.of(arguments.get(0))) ? " cannot be read: " + e : ": there is no such script or command; see vmk --help"));
            return 1;
        }
    }

    /** What a session is to do. */
    private interface Work {
        /** @return the result of the last command */
        Object in(CommandSession session) throws Exception;
    }

    /** @param file where the program comes from, for messages and {@code $0}; null if from the command line */
    private int run(String program, Path file, List<String> arguments) { return run(file, arguments, session -> session.execute(program)); }

    /** The commands of standard input, each as soon as it is whole. */
    int runStandardInput() { return run(Path.of("standard input"), List.of(), ScriptMode::eachOfStandardInput); }

    private static Object eachOfStandardInput(CommandSession session) throws Exception {
        InputStream input = new FileInputStream(FileDescriptor.in); // not closed, and nothing is read ahead: what follows may be for a command
        Object result = null;
        String program = "";
        for (String line; (line = line(input)) != null; ) {
            program += line;
            try {
                result = session.execute(program);
                program = "\n".repeat((int) program.lines().count()); // the lines so far, for the places of errors
            } catch (EOFException e) {
                if (!(e.getCause() instanceof EOFError)) throw e;
                // the command goes on in the next line
            }
        }
        return program.isBlank() ? result : session.execute(program);
    }

    /** With its end; null at the end of the input. */
    private static String line(InputStream input) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next; (next = input.read()) >= 0; ) {
            line.write(next);
            if (next == '\n') break;
        }
        return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
    }

    private int run(Path file, List<String> arguments, Work work) {
        CommandSession session = shells.session(new FileInputStream(FileDescriptor.in), new FileOutputStream(FileDescriptor.out), new FileOutputStream(FileDescriptor.err));
        session.put("args", arguments);
        for (int i = 0; i < arguments.size(); i++) session.put(Integer.toString(i + 1), arguments.get(i));
        AtomicInteger status = new AtomicInteger();
        session.setJobListener((job, before, now) -> {
            if (now == Job.Status.Done && job.parent() == null) status.set(error(job.result()));
        });
        try {
            Object result = work.in(session);
            if (result != null) System.out.println(session.format(result, Converter.INSPECT));
            return status.get();
        } catch (ExitException e) {
            return e.status();
        } catch (Exception e) {
            System.err.println("vmk: " + place(file, session.get(".location")) + message(e));
            return 1;
        } finally {
            System.out.flush();
            session.close();
        }
    }

    /** Where in a script: Gogo counts lines from 0, and tells the outermost statement. */
    private static String place(Path file, Object location) {
        if (file == null) return "";
        Matcher line = Pattern.compile("([0-9]+)\\.[0-9]+$").matcher(String.valueOf(location));
        return file + ":" + (line.find() ? Integer.parseInt(line.group(1)) + 1 + ":" : "") + " ";
    }

    private static int error(Result result) { return result == null || result.isSuccess() ? 0 : Math.max(result.error(), 1); }

    /** One line for what was thrown; our own errors and Gogo's carry their text, others need their type. */
    static String message(Throwable thrown) {
        Throwable e = thrown instanceof InvocationTargetException && thrown.getCause() != null ? thrown.getCause() : thrown;
        String text = e.getMessage();
        if (text == null) return e.getClass().getSimpleName();
        boolean plain = e instanceof CommandException || e instanceof EOFException || e.getClass().getName().startsWith("org.apache.felix.");
        return (plain ? text : e.getClass().getSimpleName() + ": " + text).lines().findFirst().orElse("");
    }
}
