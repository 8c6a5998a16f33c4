package bench.io;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmRegistry;

/** Machines that measure themselves: what they say on their serial ports, line by line, until the last of them is off. */
@Component(service = GuestBench.class, property = {"osgi.command.scope=bench", "osgi.command.function=guests"})
public final class GuestBench {
    private final VmRegistry registry;

    @Activate
    public GuestBench(@Reference VmRegistry registry) { this.registry = registry; }

    /** @param names of registered machines; when the last one goes off, so do the others */
    public void guests(String[] names) throws Exception {
        List<VirtualMachine> machines = new ArrayList<>();
        for (String name : names) machines.add(registry.find(name).orElseThrow(() -> new IllegalArgumentException("guests " + name + ": there is no such machine")));
        try {
            for (VirtualMachine machine : machines) {
                machine.serial(0).attach(new Lines());
                machine.powerOn();
            }
            VirtualMachine last = machines.get(machines.size() - 1);
            String failure = last.off().get().failure();
            last.serial(0).flush();
            if (failure != null) throw new IllegalStateException(last.name() + ": " + failure);
        } finally {
            for (VirtualMachine machine : machines) if (machine.state() != PowerState.OFF) machine.powerOff(PowerMode.HARD);
        }
    }

    /** Whole lines on standard output, told at once. */
    private static final class Lines implements vmkernel.api.vm.Console.Output {
        private final StringBuilder line = new StringBuilder();

        @Override
        public void write(byte[] bytes, int offset, int length) {
            for (char c : new String(bytes, offset, length, StandardCharsets.ISO_8859_1).toCharArray()) {
                if (c == '\n') {
                    System.out.println(line);
                    System.out.flush();
                    line.setLength(0);
                } else if (c != '\r') {
                    line.append(c);
                }
            }
        }
    }
}
