package drivers.e100;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.osgi.service.component.annotations.Component;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.Driver;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.DriverProvider;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;

/** The module {@code e100}: serves Intel 82557, 82558, 82559, 82550 and 82551, and the same cores in chipsets, as {@code vmnicN}. */
@Component(property = DriverProvider.MODULE + "=e100")
public final class E100 implements DriverProvider {
    private static final int INTEL = 0x8086;
    /** Besides 1029 to 103E: 82559ER and 82551IT, 82557 to 82551, the 82562 of ICH2. */
    private static final Set<Integer> DEVICES = Set.of(0x1209, 0x1229, 0x2449);

    @Override
    public Tag tag() { return Tag.VMNIC; }

    @Override
    public boolean matches(PciId id) {
        return id.vendor() == INTEL && (DEVICES.contains(id.device()) || id.device() >= 0x1029 && id.device() <= 0x103E);
    }

    @Override
    public Map<String, String> parameters() { return Parameters.HELP; }

    @Override
    public Driver attach(PciDevice device, Upcalls upcalls, Optional<SavedState> state) throws DriverException {
        Adapter adapter = null;
        try {
            adapter = new Adapter(device, upcalls, Parameters.of(upcalls.parameters()));
            adapter.start(state);
            return adapter;
        } catch (DriverException | RuntimeException e) {
            if (adapter != null) adapter.close();
            // no DMA memory left, or a state that is not ours
            throw e instanceof DriverException told ? told : new DriverException(device.address() + ": " + e.getMessage(), e);
        }
    }
}
