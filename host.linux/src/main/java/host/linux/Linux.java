package host.linux;

import java.util.List;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.LoggerFactory;
import vmkernel.api.host.HostFiles;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.host.HostTerminal;

/**
 * Offers the services of this bundle where they can work, and takes them back in order. JNA is loaded when one of them is used
 * first, so that a host that needs none does not pay for it.
 */
@Component(immediate = true, service = {})
public final class Linux {
    private final TapNetwork network = new TapNetwork();
    private final DirectFiles files = new DirectFiles();
    private final Terminal terminal = new Terminal();
    private final List<ServiceRegistration<?>> offered;

    @Activate
    public Linux(BundleContext context) {
        String os = System.getProperty("os.name", ""), architecture = System.getProperty("os.arch", "");
        if (!serves(os, architecture)) {
            LoggerFactory.getLogger(Linux.class).info("no tap interfaces, raw disks or terminal on {} {}: these need 64-bit Linux", os, architecture);
            offered = List.of();
            return;
        }
        offered = List.of(context.registerService(HostNetwork.class, network, null), context.registerService(HostFiles.class, files, null),
            context.registerService(HostTerminal.class, terminal, null));
    }

    static boolean serves(String os, String architecture) {
        return os.equals("Linux") && Set.of("amd64", "x86_64", "aarch64", "riscv64").contains(architecture);
    }

    @Deactivate
    void close() {
        offered.forEach(ServiceRegistration::unregister);
        network.close();
        files.close();
        terminal.restore();
        Libc.unload();
    }
}
