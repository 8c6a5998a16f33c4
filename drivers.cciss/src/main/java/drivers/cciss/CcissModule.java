package drivers.cciss;

import java.util.Map;
import java.util.Optional;
import org.osgi.service.component.annotations.Component;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.DriverProvider;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.storage.BlockAdapter;

/** The module {@code cciss}: one {@link Controller} for each Smart Array. */
@Component(property = DriverProvider.MODULE + "=cciss")
public final class CcissModule implements DriverProvider {
    @Override public Tag tag() { return Tag.VMHBA; }

    @Override public boolean matches(PciId id) { return Board.serves(id); }

    @Override public Map<String, String> parameters() { return Parameters.HELP; }

    @Override
    public BlockAdapter attach(PciDevice device, Upcalls upcalls, Optional<SavedState> state) throws DriverException {
        return Controller.attach(device, upcalls, state, Time.HOST);
    }
}
