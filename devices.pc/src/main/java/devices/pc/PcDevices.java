package devices.pc;

import devices.pc.bus.ByteChip;
import devices.pc.chipset.Board440bx;
import devices.pc.net.Vlance;
import devices.pc.scsi.BusLogic;
import devices.pc.scsi.LsiLogic;
import devices.pc.serial.DebugConsole;
import devices.pc.serial.DebugExit;
import devices.pc.serial.Uart16550;
import java.util.Optional;
import java.util.Set;
import org.osgi.service.component.annotations.Component;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.handover.SavedState;

/** The devices of a PC, by the names of the .vmx file. */
@Component
public final class PcDevices implements VirtualDeviceProvider {
    private static final int[] UART_PORTS = {0x3F8, 0x2F8, 0x3E8, 0x2E8}, UART_IRQS = {4, 3, 4, 3};
    private static final int DEBUG_CONSOLE_PORT = 0xE9, DEBUG_EXIT_PORT = 0xF4;

    @Override
    public Set<String> types() { return Set.of("440bx", "uart", "debugcon", "debugexit", "vlance", "lsilogic", "vmxlsilogic", "buslogic", "vmxbuslogic"); }

    @Override
    public VirtualDevice create(String type, DeviceContext context, Optional<SavedState> state) {
        PcDevice device = switch (type) {
            case "440bx" -> new Board440bx(context);
            case "uart" -> uart(context);
            case "debugcon" -> debugConsole(context);
            case "debugexit" -> debugExit(context);
            case "vlance" -> new Vlance(context);
            case "lsilogic", "vmxlsilogic" -> new LsiLogic(context);
            case "buslogic", "vmxbuslogic" -> new BusLogic(context);
            default -> throw new IllegalArgumentException("devices.pc has no device \"" + type + "\"");
        };
        state.ifPresent(device::load);
        return device;
    }

    private static PcDevice uart(DeviceContext context) {
        int number = serialNumber(context.prefix());
        Uart16550 uart = new Uart16550(context.stream(context.prefix()), context.interrupt(UART_IRQS[number]), context.clock(), context::timer);
        context.claimPorts(UART_PORTS[number], 8, ByteChip.ports(uart));
        return uart;
    }

    private static int serialNumber(String prefix) {
        if (prefix.matches("serial[0-3]")) return prefix.charAt(6) - '0';
        throw new IllegalArgumentException(prefix + ": serial ports are serial0 to serial3");
    }

    private static PcDevice debugConsole(DeviceContext context) {
        DebugConsole console = new DebugConsole(context, context.stream("debugcon"));
        context.claimPorts(DEBUG_CONSOLE_PORT, 1, ByteChip.ports(console));
        return console;
    }

    private static PcDevice debugExit(DeviceContext context) {
        DebugExit exit = new DebugExit(context);
        context.claimPorts(DEBUG_EXIT_PORT, 4, exit);
        return exit;
    }
}
