package console.services;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.hardware.DeviceMap;

/** {@code vmkload_mod} as of ESX Server 2.x: VMkernel modules, which are bundles here. */
@Component(service = ModuleCommand.class, property = {"osgi.command.scope=vmk", "osgi.command.function=vmkload_mod"})
public final class ModuleCommand implements Function {
    static final String USAGE = """
        usage: vmkload_mod -l|--list                         the modules that are loaded
               vmkload_mod FILE.jar [TAG] [NAME=VALUE...]    load a module, with parameters
               vmkload_mod MODULE [TAG] [NAME=VALUE...]      load one again that was unloaded, or change its parameters
               vmkload_mod -u|--unload MODULE                unload it; I/O of its devices waits for the next one
               vmkload_mod -s|--showparam MODULE             its parameters
        """;
    /** Bundles of modules are named for them. */
    private static final String BUNDLE_PREFIX = "drivers.";

    private final DeviceMap map;
    private final BundleContext context;

    @Activate
    public ModuleCommand(@Reference DeviceMap map, BundleContext context) {
        this.map = map;
        this.context = context;
    }

    @Override
    @Descriptor("list, load and unload VMkernel modules (drivers); vmkload_mod -h tells more")
    public Object execute(CommandSession session, List<Object> arguments) {
        List<String> words = new ArrayList<>(arguments.stream().map(String::valueOf).toList());
        words.removeAll(List.of("-v", "--verbose"));
        String first = words.isEmpty() ? "-h" : words.remove(0);
        switch (first) {
            case "-h", "--help" -> System.out.print(USAGE);
            case "-l", "--list" -> list();
            case "-u", "--unload" -> unload(one(words, first));
            case "-s", "--showparam" -> parameters(one(words, first));
            default -> {
                if (first.startsWith("-")) throw new CommandException("vmkload_mod " + first + ": is not known; see vmkload_mod -h");
                load(session.currentDir(), first, words);
            }
        }
        return null;
    }

    private static String one(List<String> words, String option) {
        if (words.size() != 1) throw new CommandException("vmkload_mod " + option + ": the name of one module is needed");
        return words.get(0);
    }

    private void list() {
        System.out.printf("%-10s %-16s %-6s %-24s %s%n", "NAME", "VERSION", "TAG", "DEVICES", "LOADED FROM");
        for (DeviceMap.Module module : map.modules()) {
            System.out.printf("%-10s %-16s %-6s %-24s %s%n", module.name(), module.version(), module.tag().prefix(), module.devices().isEmpty() ? "-" : String.join(",", module.devices()), module.source());
        }
        refused();
    }

    /** Jars in the drivers folder that the framework does not take, and why. */
    private void refused() {
        String folder = context.getProperty("vmk.drivers");
        if (folder == null) return;
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(folder), "*.jar")) {
            for (Path jar : jars) {
                Optional<Bundle> bundle = bundle(any -> any.getLocation().equals("file:" + jar));
                if (bundle.isEmpty()) System.out.println(jar + ": not loaded: it is no bundle");
                else if (bundle.get().getState() == Bundle.INSTALLED) System.out.println(jar + ": not loaded: " + refusal(bundle.get()));
            }
        } catch (IOException e) {
            throw new CommandException(folder + ": cannot be listed: " + e);
        }
    }

    private static String refusal(Bundle bundle) {
        try {
            bundle.start(Bundle.START_TRANSIENT);
            return "it was just being loaded";
        } catch (BundleException e) {
            return BundleProblems.oneLine(e);
        }
    }

    private void parameters(String name) {
        DeviceMap.Module module = module(name).orElseThrow(() -> new CommandException("vmkload_mod -s " + name + ": is not loaded; vmkload_mod -l lists what is"));
        new TreeMap<>(module.help()).forEach((parameter, help) -> System.out.printf("%-16s %-8s %s%n", parameter, module.parameters().getOrDefault(parameter, "-"), help));
    }

    private Optional<DeviceMap.Module> module(String name) { return map.modules().stream().filter(module -> module.name().equals(plain(name))).findFirst(); }

    /** {@code e100} for {@code e100.o}. */
    private static String plain(String name) { return name.replaceFirst("\\.o$", ""); }

    private void unload(String name) {
        DeviceMap.Module module = module(name).orElseThrow(() -> new CommandException("vmkload_mod -u " + name + ": is not loaded; vmkload_mod -l lists what is"));
        Bundle bundle = bundle(any -> any.getLocation().equals(module.source())).orElseThrow(() -> new CommandException("vmkload_mod -u " + name + ": its bundle is not there any more"));
        attempt(name, bundle::stop);
    }

    private void load(Path folder, String what, List<String> words) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals > 0) parameters.put(word.substring(0, equals), word.substring(equals + 1));
            else if (!List.of("vmnic", "vmhba").contains(word)) throw new CommandException("vmkload_mod " + what + ": \"" + word + "\": vmnic, vmhba or NAME=VALUE is needed");
        }
        Path file = folder.resolve(what);
        String name;
        if (Files.isRegularFile(file)) name = install(file, what);
        else name = startAgain(what, parameters.isEmpty());
        if (!parameters.isEmpty()) configure(name, parameters);
    }

    /** Loads a file. @return the module's name */
    private String install(Path file, String what) {
        String location = file.toAbsolutePath().normalize().toUri().toString();
        Optional<Bundle> before = bundle(any -> any.getLocation().equals(location));
        attempt(what, () -> {
            try (InputStream jar = Files.newInputStream(file)) {
                if (before.isPresent()) before.get().update(jar); else context.installBundle(location, jar);
            } catch (IOException e) {
                throw new CommandException("vmkload_mod " + what + ": cannot be read: " + e);
            }
        });
        Bundle bundle = bundle(any -> any.getLocation().equals(location)).orElseThrow();
        try {
            attempt(what, bundle::start);
            return map.modules().stream().filter(module -> module.source().equals(location)).findFirst()
                .orElseThrow(() -> new CommandException("vmkload_mod " + what + ": there is no driver in this bundle")).name();
        } catch (CommandException e) {
            if (before.isEmpty()) attempt(what, bundle::uninstall);
            throw e;
        }
    }

    private String startAgain(String what, boolean toBeLoaded) {
        String name = plain(what);
        if (module(name).isPresent()) {
            if (toBeLoaded) throw new CommandException("vmkload_mod " + what + ": is loaded already");
            return name;
        }
        Bundle bundle = bundle(any -> (BUNDLE_PREFIX + name).equals(any.getSymbolicName()))
            .orElseThrow(() -> new CommandException("vmkload_mod " + what + ": there is no such file, and no module of this name was loaded before"));
        attempt(what, bundle::start);
        if (module(name).isEmpty()) throw new CommandException("vmkload_mod " + what + ": bundle " + bundle.getSymbolicName() + " gives no such module");
        return name;
    }

    private void configure(String name, Map<String, String> parameters) {
        try {
            map.configure(name, parameters);
        } catch (IllegalArgumentException e) {
            throw new CommandException("vmkload_mod " + name + ": " + e.getMessage());
        }
    }

    private Optional<Bundle> bundle(Predicate<Bundle> fits) {
        return Arrays.stream(context.getBundles()).filter(any -> any.getHeaders().get(Constants.FRAGMENT_HOST) == null).filter(fits).findFirst();
    }

    private interface Operation {
        void run() throws BundleException;
    }

    private static void attempt(String what, Operation operation) {
        try {
            operation.run();
        } catch (BundleException e) {
            throw new CommandException("vmkload_mod " + what + ": " + BundleProblems.oneLine(e));
        }
    }
}
