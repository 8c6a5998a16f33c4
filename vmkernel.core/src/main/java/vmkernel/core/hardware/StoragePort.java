package vmkernel.core.hardware;

import java.util.List;
import vmkernel.api.hardware.Driver;
import vmkernel.api.net.LinkState;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.core.storage.HostAdapter;

/** {@code vmhbaN} above a driver. */
record StoragePort(HostAdapter adapter) implements DevicePort {
    @Override
    public void attached(Driver driver) {
        if (!(driver instanceof BlockAdapter block)) throw new IllegalStateException("it is no storage driver");
        adapter.attached(block);
    }

    @Override public void hold() { adapter.hold(); }
    @Override public void detached() { adapter.detached(); }
    @Override public void gone() { adapter.gone(); }
    @Override public void unitsChanged() { adapter.unitsChanged(); }

    @Override public void received(List<byte[]> frames) {} // from a storage driver
    @Override public void transmitReady() {}
    @Override public void linkChanged(LinkState link) {}
}
