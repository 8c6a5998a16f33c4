package host.sim.array;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** Debian's kernel for amd64 and a first root file system with some of its modules, from Debian's own packages, which are kept. */
final class DebianKernel {
    private final Path folder;

    /** @param folder where packages are unpacked and kept */
    DebianKernel(Path folder) { this.folder = folder; }

    /** @return why the packages cannot be had; null if they are there */
    String fetch() throws IOException, InterruptedException {
        if (Files.exists(folder.resolve("complete"))) return null;
        Files.createDirectories(folder);
        String script = """
            set -e
            kernel() { apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \\(linux-image-.*-amd64\\)$/\\1/p'; }
            [ -n "$(kernel)" ] || apt-get -q update
            apt-get -q download "$(kernel)" busybox-static || apt-get -q download "$(kernel)-unsigned" busybox-static
            for package in *.deb; do dpkg -x "$package" .; done
            rm -rf *.deb usr
            find lib/modules -name '*.ko' ! -path '*/drivers/scsi/*' ! -path '*/crypto/*' ! -path '*/kernel/lib/*' ! -path '*/block/*' -delete
            touch complete
            """;
        Process process = new ProcessBuilder("sh", "-c", script).directory(folder.toFile()).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? null : said;
    }

    Path kernel() throws IOException { return first("boot", "vmlinuz-.*"); }

    private Path first(String below, String name) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve(below))) {
            return files.filter(file -> file.getFileName().toString().matches(name)).sorted().findFirst().orElseThrow(() -> new IOException("no " + name + " in Debian's packages"));
        }
    }

    /** A cpio archive with busybox, an init and modules with all that they depend on, in order, in /modules/order. */
    byte[] root(byte[] init, String... modules) throws IOException {
        Map<String, byte[]> needed = new LinkedHashMap<>();
        for (String module : modules) add(module, needed);
        Archive archive = new Archive();
        for (String name : new String[] {"bin", "dev", "proc", "sys", "modules"}) archive.entry(name, 0040755, new byte[0]);
        archive.entry("bin/busybox", 0100755, Files.readAllBytes(folder.resolve("bin/busybox")));
        archive.entry("init", 0100755, init);
        for (Map.Entry<String, byte[]> module : needed.entrySet()) archive.entry("modules/" + module.getKey(), 0100644, module.getValue());
        archive.entry("modules/order", 0100644, String.join("\n", needed.keySet()).getBytes(StandardCharsets.US_ASCII));
        archive.entry("TRAILER!!!", 0, new byte[0]);
        return archive.bytes.toByteArray();
    }

    private void add(String module, Map<String, byte[]> needed) throws IOException {
        Path file = first("lib/modules", module.replaceAll("[-_]", "[-_]") + "\\.ko");
        String name = file.getFileName().toString();
        if (needed.containsKey(name)) return;
        byte[] content = Files.readAllBytes(file);
        String text = new String(content, StandardCharsets.ISO_8859_1);
        int at = text.indexOf("\0depends=") + "\0depends=".length();
        for (String other : text.substring(at, text.indexOf('\0', at)).split(",")) if (!other.isEmpty()) add(other, needed);
        needed.put(name, content);
    }

    /** The format "newc" [Linux] driver-api/early-userspace/buffer-format. */
    private static final class Archive {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int inode;

        void entry(String name, int mode, byte[] content) throws IOException {
            String header = String.format("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0);
            bytes.write((header + name + "\0").getBytes(StandardCharsets.US_ASCII));
            pad();
            bytes.write(content);
            pad();
        }

        private void pad() { while (bytes.size() % 4 != 0) bytes.write(0); }
    }
}
