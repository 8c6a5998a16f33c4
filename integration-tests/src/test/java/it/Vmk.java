package it;

import java.nio.file.Path;

/** The built distribution, as tests use it. */
final class Vmk {
    /** The checkout. */
    static final Path ROOT = Path.of(System.getProperty("vmk.root")).toAbsolutePath().normalize();
    /** The shipped bundles. */
    static final Path BUNDLES = ROOT.resolve("dist/target/vmk/bundles");

    private Vmk() {}
}
