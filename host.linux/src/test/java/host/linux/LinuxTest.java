package host.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class LinuxTest {
    private final List<String> services = new ArrayList<>();
    private final BundleContext context = proxy(BundleContext.class, (self, method, arguments) -> {
        String name = ((Class<?>) arguments[0]).getSimpleName();
        services.add(name);
        return proxy(ServiceRegistration.class, (registration, unregister, none) -> {
            services.remove(name);
            return null;
        });
    });

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Test
    void theServicesAreOfferedWhereTheyWork() {
        String os = System.getProperty("os.name");
        try {
            System.setProperty("os.name", "Plan 9");
            new Linux(context).close();
            assertEquals(List.of(), services);
            System.setProperty("os.name", "Linux");
            Linux linux = new Linux(context);
            boolean served = Linux.serves("Linux", System.getProperty("os.arch"));
            assertEquals(served ? List.of("HostNetwork", "HostFiles", "HostTerminal") : List.of(), services);
            linux.close();
            assertEquals(List.of(), services);
        } finally {
            System.setProperty("os.name", os);
        }
        assertTrue(Linux.serves("Linux", "aarch64"));
        assertFalse(Linux.serves("Linux", "i386"));
    }
}
