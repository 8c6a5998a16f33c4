package vmkernel.core.proc;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import vmkernel.api.proc.ProcNode;
import vmkernel.api.proc.ProcTree;
import vmkernel.core.files.HostVolumes;
import vmkernel.core.machine.Registry;
import vmkernel.core.memory.PagePool;
import vmkernel.core.net.Networks;
import vmkernel.core.storage.StoragePaths;

/** The /proc/vmware tree: the kernel's own nodes and those of all {@link ProcNode} services, made when somebody looks. */
@Component(service = ProcTree.class)
public final class ProcDirectory implements ProcTree {
    private static final String ROOT = "/proc/vmware";

    private final KernelNodes kernel;
    private final StorageNodes storage;
    private final NetworkNodes network;
    private final FileNodes files;
    private final List<ProcNode> services = new CopyOnWriteArrayList<>();

    @Activate
    public ProcDirectory(@Reference Registry registry, @Reference PagePool memory, @Reference StoragePaths storage, @Reference Networks networks,
        @Reference HostVolumes volumes) {
        kernel = new KernelNodes(registry, memory);
        this.storage = new StorageNodes(storage);
        network = new NetworkNodes(networks);
        files = new FileNodes(volumes);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindNode(ProcNode node) { services.add(node); }

    void unbindNode(ProcNode node) { services.remove(node); }

    private static String relative(String path) {
        String text = path.startsWith(ROOT) ? path.substring(ROOT.length()) : path;
        return text.replaceAll("^/+|/+$", "").replaceAll("/{2,}", "/");
    }

    private Map<String, ProcNode> nodes() {
        Map<String, ProcNode> nodes = new TreeMap<>();
        for (ProcNode node : kernel.nodes()) nodes.put(node.path(), node);
        for (ProcNode node : storage.nodes()) nodes.put(node.path(), node);
        for (ProcNode node : network.nodes()) nodes.put(node.path(), node);
        for (ProcNode node : files.nodes()) nodes.put(node.path(), node);
        for (ProcNode node : services) nodes.putIfAbsent(node.path(), node);
        return nodes;
    }

    private ProcNode node(String path) throws IOException {
        Map<String, ProcNode> nodes = nodes();
        String key = relative(path);
        ProcNode node = nodes.get(key);
        if (node != null) return node;
        boolean directory = key.isEmpty() || nodes.keySet().stream().anyMatch(other -> other.startsWith(key + "/"));
        throw new IOException(ROOT + (key.isEmpty() ? "" : "/" + key) + (directory ? ": is a directory" : ": no such node"));
    }

    @Override public String read(String path) throws IOException { return node(path).read(); }

    @Override public void write(String path, String text) throws IOException { node(path).write(text); }

    @Override
    public List<String> list(String directory) throws IOException {
        String key = relative(directory);
        String prefix = key.isEmpty() ? "" : key + "/";
        TreeSet<String> names = new TreeSet<>();
        for (String path : nodes().keySet()) {
            if (!path.startsWith(prefix)) continue;
            int slash = path.indexOf('/', prefix.length());
            names.add(slash < 0 ? path.substring(prefix.length()) : path.substring(prefix.length(), slash + 1));
        }
        if (names.isEmpty()) throw new IOException(ROOT + "/" + key + ": no such directory");
        return List.copyOf(names);
    }
}
