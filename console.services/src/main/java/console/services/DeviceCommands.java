package console.services;

import org.apache.felix.service.command.Descriptor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.hardware.DeviceMap;
import vmkernel.api.hardware.PciId;

/** The host's PCI devices in the shell. */
@Component(service = DeviceCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=lspci"})
public final class DeviceCommands {
    private final DeviceMap map;

    @Activate
    public DeviceCommands(@Reference DeviceMap map) { this.map = map; }

    @Descriptor("list the PCI devices of the host; -n: numbers instead of words, -H: what the kernel makes of each")
    public void lspci(@Descriptor("options") String[] options) {
        boolean numbers = false;
        boolean kernel = false;
        for (String option : options) {
            if (!option.matches("-[nHlM]+")) throw new CommandException("lspci " + option + ": -n and -H are known");
            numbers |= option.contains("n");
            kernel |= option.contains("H");
        }
        if (kernel) System.out.printf("%-9s %-9s %-3s %-8s %-8s %-10s %s%n", "ADDRESS", "ID", "REV", "NAME", "MODULE", "STATE", "DESCRIPTION");
        for (DeviceMap.Device device : map.devices()) System.out.println(kernel ? kernelLine(device) : line(device, numbers));
    }

    private static String line(DeviceMap.Device device, boolean numbers) {
        PciId id = device.pci().id();
        String what = numbers ? String.format("%04x: %s", id.classCode() >> 8, id) : device.description();
        return device.pci().address() + " " + what + String.format(" (rev %02x)", id.revision()) + (device.name().isEmpty() ? "" : " [" + device.name() + "]");
    }

    private static String kernelLine(DeviceMap.Device device) {
        PciId id = device.pci().id();
        String state = switch (device.state()) {
            case NO_DRIVER -> "no driver";
            case WAITING -> "waiting";
            case ATTACHED -> "attached";
            case FAILED -> "failed";
        };
        return String.format("%-9s %-9s %02x  %-8s %-8s %-10s %s%s", device.pci().address(), id, id.revision(), dash(device.name()), dash(device.module()), state, device.description(),
            device.reason().isEmpty() ? "" : " (" + device.reason() + ")");
    }

    private static String dash(String text) { return text.isEmpty() ? "-" : text; }

}
