package vmk.launcher;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.apache.felix.framework.FrameworkFactory;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;

/**
 * Starts Felix with the jars of the distribution, hands the command line to the service that serves its mode, and ends with that
 * service's status. The modes are services ({@link ToIntFunction} over the arguments, property {@value #MODE}), so that this
 * class knows nothing of virtual machines.
 */
public final class Main {
    /** Service property that names the mode: shell, script, run or demo. */
    static final String MODE = "vmk.mode";
    /** What only a host needs: its shell, its hardware and the drivers. A one-shot run starts without. By prefix of the jar's name. */
    private static final List<String> HOST_ONLY = List.of("org.apache.felix.gogo.", "org.apache.felix.configadmin", "org.apache.felix.fileinstall", "org.jline", "jline",
        "host.", "drivers.", "com.sun.jna", "jna", "picocli");
    /** Used as a library by console.services, which says why. */
    private static final String LIBRARY = "org.apache.felix.gogo.jline";
    /** SLF4J lives on the launcher's class path, where it is shared by all bundles and needs no service loader mediator. */
    private static final String SYSTEM_PACKAGES = Stream.of("", ".event", ".helpers", ".spi")
        .map(name -> "org.slf4j" + name + ";version=2.0.17,").reduce("", String::concat) + "sun.misc";
    private static final int STOP_LIMIT_MILLIS = 15_000;

    private final Path distribution = Path.of(System.getProperty("vmk.dist")).toAbsolutePath().normalize();
    private final Path cache = temporary().resolve("vmk-" + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime()));
    private final List<Bundle> bundles = new ArrayList<>();
    private Framework framework;

    private Main() {}

    /** Where caches go: into memory, if the host has a file system there. While a bundle is updated a guest waits for these files. */
    private static Path temporary() {
        Path memory = Path.of("/dev/shm");
        return Files.isDirectory(memory) && Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }

    public static void main(String[] args) {
        int status;
        try {
            status = new Main().launch(CommandLine.parse(args));
        } catch (CommandLine.UsageException e) {
            System.err.println("vmk: " + e.getMessage());
            status = 2;
        } catch (BundleException | IOException | InvalidSyntaxException e) {
            System.err.println("vmk: the host does not start: " + e.getMessage());
            status = 1;
        }
        System.out.flush();
        System.exit(status);
    }

    private int launch(CommandLine line) throws BundleException, IOException, InvalidSyntaxException {
        if (line.text() != null) {
            System.out.print(line.text());
            return 0;
        }
        Logging.configure(line.host());
        if (line.host()) removeStale(cache.getParent());
        // stdout belongs to the guest in a one-shot run; whatever prints by mistake must not get between
        if (!line.host()) System.setOut(System.err);
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "vmk stop"));
        start(line.host());
        BundleContext context = framework.getBundleContext();
        ServiceReference<?>[] found = context.getServiceReferences(ToIntFunction.class.getName(), "(" + MODE + "=" + line.mode() + ")");
        if (found == null) {
            System.err.println("vmk: the service console did not start: " + missing());
            return 1;
        }
        @SuppressWarnings("unchecked")
        ToIntFunction<List<String>> mode = (ToIntFunction<List<String>>) context.getService(found[0]);
        return mode.applyAsInt(line.arguments());
    }

    /** Installs by reference, so that no jar is copied; the cache holds only Felix's few small files. */
    private void start(boolean host) throws BundleException, IOException {
        Map<String, String> settings = new HashMap<>();
        settings.put(Constants.FRAMEWORK_STORAGE, cache.toString());
        settings.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, SYSTEM_PACKAGES);
        settings.put("felix.cache.locking", "false"); // the folder is this process's own
        settings.put("felix.log.level", "1");
        settings.put("felix.service.urlhandlers", "false");
        settings.put("felix.bootdelegation.implicit", "false");
        settings.put("ds.loglevel", "error");
        System.getProperties().forEach((key, value) -> { if (key.toString().startsWith("vmk.")) settings.put(key.toString(), value.toString()); });
        if (host) driversFolder(settings);
        // the virtual machines of the list are the host's: a one-shot run has nothing to do with them
        if (!host) settings.put("vmk.vmlist", cache.resolve("vm-list").toString());
        // JLine finds its terminal providers through the context class loader; null makes it use its own bundle's
        Thread.currentThread().setContextClassLoader(null);
        framework = new FrameworkFactory().newFramework(settings);
        framework.start();
        try (Stream<Path> jars = Files.list(distribution.resolve("bundles"))) {
            for (Path jar : (Iterable<Path>) jars.sorted()::iterator) {
                if (host || HOST_ONLY.stream().noneMatch(jar.getFileName().toString()::startsWith)) {
                    bundles.add(framework.getBundleContext().installBundle("reference:" + jar.toUri()));
                }
            }
        }
        // Declarative Services first: what starts after it is active when its start returns
        bundles.sort(Comparator.comparing(bundle -> !bundle.getSymbolicName().equals("org.apache.felix.scr")));
        for (Bundle bundle : bundles) if (!bundle.getSymbolicName().equals(LIBRARY)) bundle.start();
    }

    /** Felix File Install watches the folder that driver bundles are dropped into. A file is taken when it has not changed between two looks. */
    private void driversFolder(Map<String, String> settings) throws IOException {
        Path folder = Path.of(settings.getOrDefault("vmk.drivers", Path.of(System.getProperty("vmk.home"), "var", "drivers").toString())).toAbsolutePath().normalize();
        Files.createDirectories(folder);
        settings.put("vmk.drivers", folder.toString());
        settings.put("felix.fileinstall.dir", folder.toString());
        settings.put("felix.fileinstall.tmpdir", cache.resolve("fileinstall").toString());
        settings.put("felix.fileinstall.filter", ".*\\.jar");
        settings.put("felix.fileinstall.poll", "500");
        settings.put("felix.fileinstall.noInitialDelay", "true");
        settings.put("felix.fileinstall.bundles.startTransient", "true");
        settings.put("felix.fileinstall.log.level", "2");
        settings.put("felix.fileinstall.log.default", "jul");
    }

    /** Names the bundles that are not active, for a message. */
    private String missing() {
        String down = bundles.stream().filter(bundle -> bundle.getState() != Bundle.ACTIVE && !bundle.getSymbolicName().equals(LIBRARY)).map(Bundle::getSymbolicName).reduce((a, b) -> a + ", " + b).orElse("");
        return down.isEmpty() ? "a service that it needs is missing" : "not active: " + down;
    }

    /** Runs at every end of the process: stops the virtual machines with the framework, then removes the cache. */
    private void stop() {
        try {
            if (framework != null) {
                framework.stop();
                framework.waitForStop(STOP_LIMIT_MILLIS);
            }
        } catch (BundleException | InterruptedException e) {
            System.err.println("vmk: the host did not stop cleanly: " + e.getMessage());
        }
        delete(cache);
    }

    /** Caches of processes that were killed; only old ones, because the numbers of processes may be those of another container. */
    private static void removeStale(Path temporary) throws IOException {
        Instant yesterday = Instant.now().minus(Duration.ofDays(1));
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(temporary, "vmk-[0-9]*-*")) {
            for (Path folder : folders) {
                String process = folder.getFileName().toString().split("-")[1];
                boolean alive = process.matches("[0-9]{1,18}") && ProcessHandle.of(Long.parseLong(process)).isPresent();
                if (!alive && Files.isWritable(folder) && Files.getLastModifiedTime(folder).toInstant().isBefore(yesterday)) delete(folder);
            }
        }
    }

    private static void delete(Path folder) {
        if (!Files.exists(folder)) return;
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : (Iterable<Path>) paths.sorted(Comparator.reverseOrder())::iterator) Files.delete(path);
        } catch (IOException e) {
            System.err.println("vmk: " + folder + " cannot be removed: " + e.getMessage());
        }
    }
}
