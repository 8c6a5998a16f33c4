package console.services;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Kernel and initial RAM disk of a small Debian 12 for i386, made from Debian's own packages. They are fetched by {@code
 * apt-get download} with a configuration of its own, which uses the system's sources and keys and nothing else of the
 * system, needs no root and leaves the system's architectures alone. What is complete is kept.
 */
final class DebianGuest {
    private static final String KERNEL_PACKAGE = "debian-installer-12-netboot-i386";
    private static final String KERNEL = "usr/lib/debian-installer/images/12/i386/text/debian-installer/i386/linux";
    private static final String BUSYBOX_PACKAGE = "busybox-static:i386";
    private static final String BUSYBOX = "bin/busybox";

    private final Path folder;
    private final PrintStream progress;

    /** @param folder where everything is kept */
    DebianGuest(Path folder, PrintStream progress) {
        this.folder = folder;
        this.progress = progress;
    }

    Path kernel() { return folder.resolve("linux"); }

    Path initrd() { return folder.resolve("initrd"); }

    /** Fetches and makes what is missing. @throws IOException with one line for the user */
    void prepare() throws IOException, InterruptedException {
        if (!Files.exists(kernel()) || !Files.exists(folder.resolve("busybox"))) fetch();
        // always anew: it takes no time and follows this version of /init
        replace(initrd(), initialRamDisk(Files.readAllBytes(folder.resolve("busybox"))));
    }

    private void fetch() throws IOException, InterruptedException {
        for (String program : new String[] {"apt-get", "dpkg"}) {
            if (!onPath(program)) throw new IOException("there is no " + program + " here, which fetches Debian's kernel; a Debian system has it");
        }
        Path work = folder.resolve("work");
        remove(work);
        for (String below : List.of("lists/partial", "cache/archives/partial", "state", "download")) Files.createDirectories(work.resolve(below));
        Files.writeString(work.resolve("status"), "");
        Files.writeString(work.resolve("apt.conf"), configuration(work));
        Path download = work.resolve("download");
        String configuration = work.resolve("apt.conf").toString();
        progress.println("fetching Debian's package lists for i386");
        // lists that cannot be had do no harm unless a package is missing then, which the download tells
        Outcome update = run(download, true, "apt-get", "-q", "-c", configuration, "update");
        progress.println("fetching " + KERNEL_PACKAGE + " (about 105 MB) and " + BUSYBOX_PACKAGE);
        Outcome packages = run(download, false, "apt-get", "-c", configuration, "download", KERNEL_PACKAGE, BUSYBOX_PACKAGE);
        if (packages.status != 0) {
            String why = update.complaint.isEmpty() ? packages.complaint : update.complaint;
            throw new IOException("Debian's packages cannot be fetched, perhaps for want of a network: " + why);
        }
        progress.println("unpacking");
        try (Stream<Path> files = Files.list(download)) {
            for (Path file : (Iterable<Path>) files.filter(path -> path.toString().endsWith(".deb"))::iterator) {
                Outcome unpacked = run(work, false, "dpkg", "-x", file.toString(), work.resolve("root").toString());
                if (unpacked.status != 0) throw new IOException(file + " cannot be unpacked: " + unpacked.complaint);
            }
        }
        Files.move(work.resolve("root").resolve(BUSYBOX), folder.resolve("busybox"), StandardCopyOption.REPLACE_EXISTING);
        Files.move(work.resolve("root").resolve(KERNEL), kernel(), StandardCopyOption.REPLACE_EXISTING);
        remove(work);
    }

    /** Lists, cache and state of our own; hooks of the system's configuration are for root's apt and are dropped. */
    private static String configuration(Path work) {
        return """
            APT::Architecture "i386";
            #clear APT::Architectures;
            APT::Architectures { "i386"; };
            #clear APT::Update::Pre-Invoke;
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            APT::Sandbox::User "";
            Acquire::Languages "none";
            Acquire::Retries "2";
            Dir::State "WORK/state";
            Dir::State::Lists "WORK/lists";
            Dir::State::status "WORK/status";
            Dir::Cache "WORK/cache";
            """.replace("WORK", work.toString());
    }

    /** @param complaint the first line on standard error that tells of a failure, or nothing */
    private record Outcome(int status, String complaint) {}

    /** @param quiet true to keep its output away, else it goes to our own */
    private static Outcome run(Path folder, boolean quiet, String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().put("LC_ALL", "C");
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.redirectOutput(quiet ? ProcessBuilder.Redirect.DISCARD : ProcessBuilder.Redirect.INHERIT);
        Process process = builder.start();
        List<String> errors;
        try (InputStream stderr = process.getErrorStream()) {
            errors = new String(stderr.readAllBytes(), StandardCharsets.UTF_8).lines().map(String::strip).toList();
        }
        int status = process.waitFor();
        String complaint = errors.stream().filter(line -> line.startsWith("E: ") || line.startsWith("W: Failed")).findFirst().map(line -> line.substring(3))
            .orElse(status == 0 ? "" : errors.isEmpty() ? command[0] + " ended with status " + status : errors.get(errors.size() - 1));
        return new Outcome(status, complaint);
    }

    private static boolean onPath(String program) {
        String path = System.getenv("PATH");
        return Stream.of((path == null ? "" : path).split(":")).anyMatch(entry -> Files.isExecutable(Path.of(entry).resolve(program)));
    }

    /** A root folder of busybox alone. */
    static byte[] initialRamDisk(byte[] busybox) throws IOException {
        Cpio root = new Cpio();
        for (String name : List.of("bin", "sbin", "usr", "usr/bin", "usr/sbin", "dev", "proc", "sys", "tmp", "root", "etc")) root.folder(name);
        root.characterDevice("dev/console", 5, 1).file("bin/busybox", 0755, busybox).link("bin/sh", "busybox");
        try (InputStream init = DebianGuest.class.getResourceAsStream("init")) {
            root.file("init", 0755, init.readAllBytes());
        }
        return root.bytes();
    }

    private static void replace(Path file, byte[] content) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + "." + ProcessHandle.current().pid());
        Files.write(part, content);
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void remove(Path folder) throws IOException {
        if (!Files.exists(folder)) return;
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Keys of the virtual machine. */
    Map<String, String> configuration() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("guestOS", "linux");
        keys.put("memsize", "256");
        keys.put("boot.kernel", kernel().toString());
        keys.put("boot.initrd", initrd().toString());
        keys.put("boot.append", "console=ttyS0");
        return keys;
    }
}
