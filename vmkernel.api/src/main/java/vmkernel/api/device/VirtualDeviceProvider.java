package vmkernel.api.device;

import java.util.Optional;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.SavedState;

/** Creates virtual devices by type name: a whiteboard service. */
@ConsumerType
public interface VirtualDeviceProvider {
    /**
     * Type names in the words of the .vmx file. The kernel asks for {@code 440bx} (the board: chipset, interrupt controllers,
     * timers, RTC, keyboard controller, power) first, then for {@code uart} for each serialN.present, {@code debugcon} and
     * {@code debugexit} where configured, and for the {@code virtualDev} of adapters.
     */
    Set<String> types();

    /**
     * Creates the device and makes its claims; without state, {@link VirtualDevice#reset} follows. With state it goes on where
     * the one before left off: interrupt lines by {@link InterruptLine#restore}, timers set again by guest time.
     *
     * @param state that a device of this type saved; the configuration is the same as then
     * @throws IllegalArgumentException with one line for the user if the configuration of the device is wrong
     */
    VirtualDevice create(String type, DeviceContext context, Optional<SavedState> state);
}
