package vmkernel.core.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.FrameworkUtil;
import vmkernel.api.proc.ProcNode;
import vmkernel.api.vm.VmException;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.WorldScheduler.Usage;
import vmkernel.core.machine.Machine;
import vmkernel.core.machine.Registry;
import vmkernel.core.memory.PagePool;
import vmkernel.core.vmx.Identity;

/**
 * The kernel's own nodes: views of live data, so there is nothing to keep up to date. Names, columns and units as the
 * administration guides of ESX Server 2.x describe them; where they say nothing the layout is our own. Scripts parse by header.
 */
final class KernelNodes {
    private static final String CPU_HEADER = String.format("%5s %5s %-18s %12s %-6s %-8s %12s %10s %-5s %12s %4s %-8s %5s %5s %7s %5s %12s%n",
        "vcpu", "vm", "name", "uptime", "status", "costatus", "usedsec", "syssec", "wait", "waitsec", "cpu", "affinity", "min", "max", "shares", "emin", "extrasec");
    private static final String MEMORY_HEADER = String.format("%5s %5s %7s %9s %9s %17s %13s %13s %7s %7s %13s %7s %9s %15s %9s %8s%n",
        "vm", "mctl?", "shares", "min", "max", "size/sizetgt", "memctl/mctltgt", "swapped/swaptgt", "swapin", "swapout", "cptread/cpt-tgt", "shared", "active",
        "overhd/ovhdmax", "ovhdpeak", "affinity");
    private static final int NORMAL_SHARES_PER_MB = 10;
    private static final long KB = 1024;
    private static final long MB = 1024 * KB;

    private final Registry registry;
    private final PagePool memory;
    private final long started = System.nanoTime();

    KernelNodes(Registry registry, PagePool memory) {
        this.registry = registry;
        this.memory = memory;
    }

    List<ProcNode> nodes() {
        List<ProcNode> nodes = new ArrayList<>();
        nodes.add(new TextNode("version", KernelNodes::version));
        nodes.add(new TextNode("uptime", () -> seconds(System.nanoTime() - started)));
        nodes.add(new TextNode("cpuinfo", this::processors));
        nodes.add(new TextNode("mem", this::machineMemory));
        nodes.add(new TextNode("sched/cpu", () -> CPU_HEADER + registry.usage().stream().map(this::cpuLine).collect(Collectors.joining())));
        nodes.add(new TextNode("sched/ncpus", () -> registry.physicalCpus() + " cores\n"));
        registry.running().forEach((id, machine) -> virtualMachine(nodes, "vm/" + id + "/", id, machine));
        return nodes;
    }

    private void virtualMachine(List<ProcNode> nodes, String at, int id, Machine machine) {
        nodes.add(new TextNode(at + "names", () -> names(id, machine)));
        nodes.add(new TextNode(at + "cpu/status", () -> CPU_HEADER + usage(id)));
        nodes.add(cpuSetting(at, machine, "min", () -> String.valueOf(machine.cpuAllocation().min())));
        nodes.add(cpuSetting(at, machine, "max", () -> String.valueOf(max(machine.cpuAllocation()))));
        nodes.add(cpuSetting(at, machine, "shares", () -> String.valueOf(machine.cpuAllocation().shares())));
        nodes.add(cpuSetting(at, machine, "affinity", () -> affinity(machine.cpuAllocation())));
        nodes.add(new TextNode(at + "mem/status", () -> MEMORY_HEADER + memoryLine(id, machine)));
        // LIMIT: all memory of a VM is reserved: its minimum is its size, and there is nothing to set
        nodes.add(new TextNode(at + "mem/min", () -> String.valueOf(machine.memoryBytes() / MB)));
        nodes.add(new TextNode(at + "mem/max", () -> String.valueOf(machine.memoryBytes() / MB)));
        nodes.add(new TextNode(at + "mem/shares", () -> String.valueOf(memoryShares(machine))));
        nodes.add(new TextNode(at + "misuse", () -> misuse(machine)));
    }

    private static ProcNode cpuSetting(String at, Machine machine, String what, java.util.function.Supplier<String> text) {
        return new TextNode(at + "cpu/" + what, text, written -> {
            try {
                machine.allocate(what, written);
            } catch (VmException | IllegalArgumentException e) {
                throw new IOException("/proc/vmware/" + at + "cpu/" + what + ": " + e.getMessage());
            }
        });
    }

    private static String version() {
        Bundle bundle = FrameworkUtil.getBundle(KernelNodes.class);
        return "VMkernel " + (bundle == null ? "outside OSGi" : bundle.getVersion()) + ", " + System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + " on "
            + System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch");
    }

    private static String seconds(long nanos) { return String.format(Locale.ROOT, "%.3f", nanos / 1e9); }

    private String processors() {
        int cpus = registry.physicalCpus();
        return "pcpu    " + String.join(" ", numbers(cpus)) + "\ntotal   " + cpus + "\nhost    " + Runtime.getRuntime().availableProcessors() + "\n";
    }

    private static List<String> numbers(int count) {
        List<String> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) numbers.add(String.format("%02d", i));
        return numbers;
    }

    private String machineMemory() {
        long managed = memory.totalBytes();
        Runtime java = Runtime.getRuntime();
        return String.format(Locale.ROOT, "%-10s %10s %10s%n", "", "MB", "KB") + memoryRow("managed", managed) + memoryRow("kernel", java.totalMemory() - java.freeMemory())
            + memoryRow("reserved", memory.reservedBytes()) + memoryRow("free", memory.freeBytes()) + memoryRow("touched", memory.touchedBytes()) + memoryRow("shared", 0);
    }

    private static String memoryRow(String label, long bytes) { return String.format(Locale.ROOT, "%-10s %10d %10d%n", label, bytes / MB, bytes / KB); }

    private String names(int id, Machine machine) {
        String file = machine.config().file().toAbsolutePath().toString();
        return "vmid=" + id + "   pid=" + ProcessHandle.current().pid() + "   cfgFile=\"" + file + "\"   uuid=\"" + Identity.uuid(machine.config())
            + "\"   displayName=\"" + machine.name() + "\"";
    }

    private String usage(int id) {
        return registry.usage().stream().filter(usage -> usage.world().group() == id).map(this::cpuLine).collect(Collectors.joining());
    }

    private String cpuLine(Usage usage) {
        ResourceAllocation cpu = usage.world().cpuAllocation();
        boolean waits = usage.status().equals("WAIT");
        long entitled = usage.uptimeNanos() / 100 * usage.effectiveMin();
        // LIMIT: time in devices counts as used time of the world; it is not told apart as syssec
        return String.format(Locale.ROOT, "%5d %5d %-18s %12s %-6s %-8s %12s %10s %-5s %12s %4d %-8s %5d %5d %7d %5d %12s%n", usage.world().id(), usage.world().group(),
            usage.world().name(), seconds(usage.uptimeNanos()), usage.status(), waits ? "WAIT" : "RUN", seconds(usage.usedNanos()), seconds(0), waits ? "IDLE" : "NONE",
            seconds(usage.waitNanos()), usage.slot(), affinity(cpu), cpu.min(), max(cpu), cpu.shares(), usage.effectiveMin(), seconds(Math.max(0, usage.usedNanos() - entitled)));
    }

    private static int max(ResourceAllocation cpu) { return Math.min(100, cpu.max()); }

    private static String affinity(ResourceAllocation cpu) {
        return cpu.affinity().isEmpty() ? "all" : new TreeSet<>(cpu.affinity()).stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    private static long memoryShares(Machine machine) { return machine.memoryBytes() / MB * NORMAL_SHARES_PER_MB; }

    private String memoryLine(int id, Machine machine) {
        long size = machine.memoryBytes() / KB;
        long touched = machine.touchedBytes() / KB;
        return String.format(Locale.ROOT, "%5d %5s %7d %9d %9d %17s %13s %13s %7d %7d %13s %7d %9d %15s %9d %8s%n", id, "no", memoryShares(machine), size, size,
            touched + "/" + size, "0/0", "0/0", 0, 0, "0/0", 0, touched, "0/0", 0, "all");
    }

    private static String misuse(Machine machine) {
        StringBuilder text = new StringBuilder(String.format("%10s %s%n", "count", "what"));
        for (Map.Entry<String, Long> entry : machine.misuses().entrySet()) text.append(String.format(Locale.ROOT, "%10d %s%n", entry.getValue(), entry.getKey()));
        return text.toString();
    }
}
