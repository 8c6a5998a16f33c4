package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWiring;

/** A bundle that is updated again and again under a load, with the jar that it was from. */
final class Updates {
    static final int COUNT = Integer.getInteger("vmk.updates", 20);

    private final String name;
    private final List<WeakReference<ClassLoader>> loaders = new ArrayList<>();

    private Updates(String name) { this.name = name; }

    static Updates of(BundleContext context, String name) throws Exception {
        Updates updates = new Updates(name);
        Bundle bundle = Arrays.stream(context.getBundles()).filter(any -> name.equals(any.getSymbolicName())).findFirst().orElseThrow();
        for (int i = 0; i < COUNT; i++) {
            updates.loaders.add(new WeakReference<>(bundle.adapt(BundleWiring.class).getClassLoader()));
            try (InputStream jar = Files.newInputStream(Bundles.jar(name))) {
                bundle.update(jar);
            }
            assertEquals(name, Bundle.ACTIVE, bundle.getState());
            TimeUnit.MILLISECONDS.sleep(200); // the load goes on for a while on each
        }
        return updates;
    }

    /** No class loader of a replaced bundle stays. */
    void requireCollected() throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (loaders.stream().anyMatch(loader -> loader.get() != null)) {
            assertTrue(name + ": " + loaders.stream().filter(loader -> loader.get() != null).count() + " of " + loaders.size() + " old class loaders stay", System.nanoTime() < deadline);
            System.gc();
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }
}
