package vmkernel.core.hardware;

import java.util.List;
import vmkernel.api.hardware.Driver;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.NetAdapter;
import vmkernel.core.net.Uplink;

/** {@code vmnicN} above a driver. */
record NetworkPort(Uplink uplink) implements DevicePort {
    @Override
    public void attached(Driver driver) {
        if (!(driver instanceof NetAdapter net)) throw new IllegalStateException("it is no network driver");
        uplink.attached(net);
    }

    @Override public void hold() { uplink.hold(); }
    @Override public void detached() { uplink.detached(); }
    @Override public void gone() { uplink.gone(); }
    @Override public void received(List<byte[]> frames) { uplink.received(frames); }
    @Override public void transmitReady() { uplink.transmitReady(); }
    @Override public void linkChanged(LinkState link) { uplink.linkChanged(link); }

    @Override public void unitsChanged() {} // from a network driver
}
