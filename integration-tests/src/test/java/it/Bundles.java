package it;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.composite;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.junitBundles;
import static org.ops4j.pax.exam.CoreOptions.options;
import static org.ops4j.pax.exam.CoreOptions.systemPackages;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.ops4j.pax.exam.Option;

/** The shipped bundles, for Pax Exam. */
final class Bundles {
    /** Used as a library by console.services; never started. */
    static final String LIBRARY = "org.apache.felix.gogo.jline";

    private Bundles() {}

    /** All of them in a framework whose host lives in a folder. */
    static Option[] shipped(Path home) throws IOException {
        Option[] bundles;
        try (Stream<Path> jars = Files.list(Vmk.BUNDLES)) {
            bundles = jars.filter(path -> path.toString().endsWith(".jar")).sorted()
                .map(path -> bundle(path.toUri().toString()).start(!path.getFileName().toString().startsWith(LIBRARY))).toArray(Option[]::new);
        }
        return options(composite(bundles), junitBundles(),
            systemProperty("vmk.root").value(Vmk.ROOT.toString()),
            frameworkProperty("vmk.home").value(Files.createDirectories(home).toString()),
            frameworkProperty("felix.log.level").value("1"),
            systemPackages("org.slf4j;version=1.7.36", "org.slf4j.helpers;version=1.7.36", "org.slf4j.spi;version=1.7.36", "org.slf4j;version=2.0.17", "org.slf4j.event;version=2.0.17", "org.slf4j.helpers;version=2.0.17", "org.slf4j.spi;version=2.0.17", "sun.misc"),
            // else JDK classes acting for a bundle also see the test class path
            frameworkProperty("felix.bootdelegation.implicit").value("false"));
    }

    /** The shipped jar of a bundle. */
    static Path jar(String name) throws IOException {
        try (Stream<Path> jars = Files.list(Vmk.BUNDLES)) {
            return jars.filter(path -> path.getFileName().toString().startsWith(name + "-")).findFirst().orElseThrow();
        }
    }
}
