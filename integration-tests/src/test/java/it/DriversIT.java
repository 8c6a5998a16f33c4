package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Drivers as an operator handles them: in the shell, and as files in a folder. */
public class DriversIT {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private Path home() { return temporary.getRoot().toPath(); }

    private Path drivers() { return home().resolve("var/drivers"); }

    /** A shipped bundle with other headers. */
    private Path changed(String name, Map<String, String> headers) throws IOException {
        Path file = home().resolve("changed.jar");
        try (JarInputStream in = new JarInputStream(Files.newInputStream(Bundles.jar(name)))) {
            Manifest manifest = in.getManifest();
            headers.forEach(manifest.getMainAttributes()::putValue);
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(file), manifest)) {
                for (JarEntry entry; (entry = in.getNextJarEntry()) != null; ) {
                    out.putNextEntry(new JarEntry(entry.getName()));
                    in.transferTo(out);
                }
            }
        }
        return file;
    }

    /** Puts a file into the drivers folder as a copy that takes no time. */
    private void drop(Path file, String as) throws IOException { Files.move(file, drivers().resolve(as), StandardCopyOption.REPLACE_EXISTING); }

    /** A driver bundle whose attach throws, for the network adapters. */
    private Path throwingDriver() throws IOException {
        Path folder = Files.createDirectories(home().resolve("throwing/bad"));
        Path source = Files.writeString(folder.resolve("Bad.java"), """
            package bad;
            import java.util.*;
            import org.osgi.framework.*;
            import vmkernel.api.handover.SavedState;
            import vmkernel.api.hardware.*;
            public final class Bad implements BundleActivator, DriverProvider {
                public void start(BundleContext context) {
                    Dictionary<String, Object> properties = new Hashtable<>();
                    properties.put(MODULE, "e100");
                    context.registerService(DriverProvider.class, this, properties);
                }
                public void stop(BundleContext context) {}
                public Tag tag() { return Tag.VMNIC; }
                public boolean matches(PciId id) { return true; }
                public Map<String, String> parameters() { return Map.of(); }
                public Driver attach(PciDevice device, Upcalls upcalls, Optional<SavedState> state) { throw new IllegalStateException("a bug\\nin two lines"); }
            }
            """);
        String path = Bundles.jar("vmkernel.api") + ":" + Vmk.ROOT.resolve("dist/target/vmk/lib/org.apache.felix.framework.jar");
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "--release", "17", "-cp", path, source.toString()));
        Manifest manifest = new Manifest();
        Map.of("Manifest-Version", "1.0", "Bundle-ManifestVersion", "2", "Bundle-SymbolicName", "drivers.bad", "Bundle-Version", "3.0.0", "Bundle-Activator", "bad.Bad",
            "Import-Package", "org.osgi.framework,vmkernel.api.hardware,vmkernel.api.handover").forEach(manifest.getMainAttributes()::putValue);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JarOutputStream out = new JarOutputStream(bytes, manifest); Stream<Path> classes = Files.list(folder)) {
            for (Path file : (Iterable<Path>) classes.filter(any -> any.toString().endsWith(".class"))::iterator) {
                out.putNextEntry(new JarEntry("bad/" + file.getFileName()));
                Files.copy(file, out);
            }
        }
        return Files.write(home().resolve("throwing.jar"), bytes.toByteArray());
    }

    @Test
    public void theHostsHardwareIsThereAndItsDriversWork() throws Exception {
        Vmk.Result result = Vmk.run(home(), "-c", "lspci; lspci -n; lspci -H; vmkload_mod -l");
        assertEquals(result.err(), 0, result.status());
        assertTrue(result.out(), result.out().contains("002:04.0 Intel PRO/100 (rev 08) [vmnic0]"));
        assertTrue(result.out(), result.out().contains("002:04.0 0200: 8086:1229"));
        assertTrue(result.out(), result.out().matches("(?s).*001:03.0 +0e11:b178 \\S+ +vmhba0 +cciss +attached .*"));
        assertTrue(result.out(), result.out().matches("(?s).*e100 +0\\.1\\.0\\S* +vmnic +vmnic0 .*"));
    }

    @Test
    public void aModuleIsUnloadedAndLoadedAgainWithParameters() throws Exception {
        String script = "vmkload_mod -u e100; lspci -H; vmkload_mod e100 debug=1; vmkload_mod -s e100; lspci -H; vmkload_mod e100 speed=9";
        Vmk.Result result = Vmk.run(home(), "-c", script);
        assertTrue(result.out(), result.out().matches("(?s).*vmnic0 +e100 +waiting .*\\(module e100 is not loaded\\).*debug +1 .*vmnic0 +e100 +attached .*"));
        assertEquals(1, result.status());
        assertTrue(result.err(), result.err().startsWith("vmk: vmkload_mod e100: module e100 has no parameter \"speed\"; it has "));
        assertEquals(result.err(), 1, result.err().lines().count());
    }

    @Test
    public void aJarDroppedIntoTheFolderAttachesAnOverwrittenOneReplacesAndADeletedOneDetaches() throws Exception {
        try (Vmk vmk = Vmk.startOnTerminal(home())) {
            vmk.expect("vmk> ").send("vmkload_mod -u e100\r");
            poll(vmk, "vmnic0 +e100 +waiting ");
            drop(changed("drivers.e100", Map.of("Bundle-SymbolicName", "drivers.mine", "Bundle-Version", "7.0.0")), "mine.jar");
            poll(vmk, "e100 +7\\.0\\.0 +vmnic +vmnic0 ");
            drop(changed("drivers.e100", Map.of("Bundle-SymbolicName", "drivers.mine", "Bundle-Version", "7.1.0")), "mine.jar");
            poll(vmk, "e100 +7\\.1\\.0 +vmnic +vmnic0 ");
            Files.delete(drivers().resolve("mine.jar"));
            poll(vmk, "vmnic0 +e100 +waiting ");
            vmk.send("vmkload_mod e100\r");
            poll(vmk, "e100 +0\\.1\\.0\\S* +vmnic +vmnic0 ");
        }
    }

    @Test
    public void driversThatCannotBeUsedAreToldInOneLineAndHarmNothing() throws Exception {
        try (Vmk vmk = Vmk.startOnTerminal(home())) {
            vmk.expect("vmk> ");
            drop(changed("drivers.e100", Map.of("Bundle-SymbolicName", "drivers.new", "Import-Package", "vmkernel.api.hardware;version=\"[9,10)\"")), "new.jar");
            drop(Files.writeString(home().resolve("garbage"), "no jar"), "garbage.jar");
            poll(vmk, "new\\.jar: not loaded: it needs .*vmkernel\\.api\\.hardware");
            poll(vmk, "garbage\\.jar: not loaded: it is no bundle");
            vmk.send("vmkload_mod -u e100\r");
            drop(throwingDriver(), "throwing.jar");
            poll(vmk, "vmnic0 +e100 +failed +Intel PRO/100 \\(java.lang.IllegalStateException: a bug\\)");
            Files.delete(drivers().resolve("throwing.jar"));
            poll(vmk, "vmnic0 +e100 +waiting ");
            vmk.send("vmkload_mod e100\r");
            poll(vmk, "vmnic0 +e100 +attached ");
        }
        String log = Files.readString(home().resolve("var/log/vmkernel.0"));
        assertEquals(log, 1, log.lines().filter(line -> line.contains("cannot attach: java.lang.IllegalStateException: a bug")).count());
        assertEquals(log, 1, log.lines().filter(line -> line.contains("new.jar")).count());
    }

    @Test
    public void namesAreKeptAcrossRestarts() throws Exception {
        Vmk.run(home(), "-c", "lspci");
        Path names = home().resolve("var/devnames.conf");
        assertTrue(Files.readString(names).contains("002:04.0 nic vmnic0\n"));
        Files.writeString(names, "002:04.0 nic vmnic5\n001:03.0 hba vmhba0\n");
        assertTrue(Vmk.run(home(), "-c", "lspci").out().contains("[vmnic5]"));
    }

    /** Asks the shell until it says so. */
    private static void poll(Vmk vmk, String wanted) throws Exception {
        for (int i = 0; ; i++) {
            // the quotes keep the echo of the keys from looking like the answer
            vmk.send("lspci -H; vmkload_mod -l; echo asked-\"" + i + "\"-times\r");
            String said = vmk.textBefore("asked-" + i + "-times");
            if (java.util.regex.Pattern.compile(wanted).matcher(said).find()) return;
            assertTrue(wanted + " does not come: " + said, i < 100);
            Thread.sleep(100);
        }
    }
}
