package it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A network namespace of the machine below with a tap interface of ours in it: a Linux host at the other end of the wire. */
final class Namespace implements AutoCloseable {
    private final String name;
    private final List<Process> started = new ArrayList<>();

    private Namespace(String name) { this.name = name; }

    /** Why there can be none here, or null. */
    static String missing() throws InterruptedException {
        try {
            if (!java.nio.file.Files.exists(Path.of("/dev/net/tun"))) return "there is no /dev/net/tun";
            if (status("ip", "netns", "add", "vmk-probe") != 0) return "network namespaces cannot be made (root is needed)";
            status("ip", "netns", "del", "vmk-probe");
            return null;
        } catch (IOException e) {
            return "there is no ip command";
        }
    }

    private static int status(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    /** Moves an interface that exists into a new namespace and gives it an address. */
    static Namespace with(String tap, String address) throws Exception {
        Namespace space = new Namespace(tap);
        status("ip", "netns", "del", tap);
        space.must("ip", "netns", "add", tap);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (status("ip", "link", "set", tap, "netns", tap) != 0) {
            if (System.nanoTime() > deadline) throw new AssertionError("interface " + tap + " does not come");
            TimeUnit.MILLISECONDS.sleep(50);
        }
        space.run("ip", "addr", "add", address + "/24", "dev", tap);
        space.run("ip", "link", "set", tap, "up");
        space.run("ip", "link", "set", "lo", "up");
        return space;
    }

    private List<String> inside(String... command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", name));
        all.addAll(Arrays.asList(command));
        return all;
    }

    private String must(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) throw new AssertionError(String.join(" ", command) + ": " + said);
        return said;
    }

    /** Runs a command that must succeed. */
    String run(String... command) throws IOException, InterruptedException { return must(inside(command).toArray(new String[0])); }

    /** Starts a command that ends with the namespace. */
    Process start(Path output, String... command) throws IOException {
        Process process = new ProcessBuilder(inside(command)).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        started.add(process);
        return process;
    }

    @Override
    public void close() throws Exception {
        for (Process process : started) process.destroy();
        for (Process process : started) process.waitFor(5, TimeUnit.SECONDS);
        status("ip", "netns", "del", name);
    }
}
