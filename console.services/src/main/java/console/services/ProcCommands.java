package console.services;

import org.apache.felix.service.command.Descriptor;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.proc.ProcTree;

/** What is set in the /proc/vmware tree, and the version. */
@Component(service = ProcCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=procset", "osgi.command.function=version"})
public final class ProcCommands {
    private static final String ROOT = "/proc/vmware";

    private final ProcTree tree;
    private final BundleContext context;

    @Activate
    public ProcCommands(@Reference ProcTree tree, BundleContext context) {
        this.tree = tree;
        this.context = context;
    }

    @Descriptor("write a value to a node of /proc/vmware, as echo VALUE > NODE did")
    public void procset(@Descriptor("path of the node") String path, @Descriptor("value") String value) {
        Watched.plain("procset", () -> { tree.write(path, value); return null; });
    }

    @Descriptor("print the version of this system and of the Java that runs it")
    public void version() {
        System.out.println("vmk " + context.getBundle().getVersion() + ", Java " + System.getProperty("java.version") + " on " + System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    }
}
