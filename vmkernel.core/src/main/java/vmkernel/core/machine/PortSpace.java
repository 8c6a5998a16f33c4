package vmkernel.core.machine;

import vmkernel.api.device.IoHandler;
import vmkernel.api.monitor.PortBus;

/**
 * The 65536 I/O ports of one VM. An access that leaves a claim is made of bytes, as on the ISA bus. Addresses wrap at 64 K.
 */
final class PortSpace implements PortBus {
    private static final int PORTS = 65536;

    private final DeviceLock lock;
    private final Claim[] claims = new Claim[PORTS];
    /** Accesses that nobody answered. Counted without care: it is a hint for people. */
    private long unclaimed;

    PortSpace(DeviceLock lock) { this.lock = lock; }

    long unclaimed() { return unclaimed; }

    @Override
    public long read(long address, int bytes) {
        int port = (int) address & PORTS - 1;
        Claim claim = claims[port];
        // looked up once more under the lock; this spares it to a guest that probes for devices
        if (claim == null && bytes == 1) return nobody();
        lock.enter();
        try {
            claim = claims[port];
            if (claim != null && port + bytes <= claim.end()) return read(claim, port, bytes);
            long value = 0;
            for (int i = 0; i < bytes; i++) {
                Claim part = claims[port + i & PORTS - 1];
                value |= (part == null ? nobody() : read(part, port + i & PORTS - 1, 1)) << 8 * i;
            }
            return value;
        } finally {
            lock.leave();
        }
    }

    private long nobody() {
        unclaimed++;
        return 0xFF;
    }

    private static long read(Claim claim, int port, int bytes) {
        try {
            return claim.read(port, bytes);
        } catch (Throwable e) {
            claim.owner().broken("reading port 0x" + Integer.toHexString(port), e);
            return Claim.nobody(bytes);
        }
    }

    @Override
    public void write(long address, int bytes, long value) {
        int port = (int) address & PORTS - 1;
        Claim claim = claims[port];
        if (claim == null && bytes == 1) {
            unclaimed++;
            return;
        }
        lock.enter();
        try {
            claim = claims[port];
            if (claim != null && port + bytes <= claim.end()) {
                write(claim, port, bytes, value);
                return;
            }
            for (int i = 0; i < bytes; i++) {
                Claim part = claims[port + i & PORTS - 1];
                if (part == null) unclaimed++; else write(part, port + i & PORTS - 1, 1, value >>> 8 * i);
            }
        } finally {
            lock.leave();
        }
    }

    private static void write(Claim claim, int port, int bytes, long value) {
        try {
            claim.write(port, bytes, value);
        } catch (Throwable e) {
            claim.owner().broken("writing port 0x" + Integer.toHexString(port), e);
        }
    }

    /** Under the device lock. */
    void claim(AttachedDevice owner, int first, int count, IoHandler handler) {
        if (first < 0 || count < 1 || first + count > PORTS) throw new IllegalArgumentException("ports 0x" + Integer.toHexString(first) + " + " + count + ": out of range");
        for (int port = first; port < first + count; port++) {
            if (claims[port] != null) throw new IllegalStateException("port 0x" + Integer.toHexString(port) + " belongs to " + claims[port].owner().prefix());
        }
        Claim claim = new Claim(owner, first, first + count, handler);
        for (int port = first; port < first + count; port++) claims[port] = claim;
    }

    /** Gives up what this device has of these ports. Under the device lock. */
    void release(AttachedDevice owner, int first, int count) {
        for (int port = Math.max(0, first); port < Math.min(PORTS, first + count); port++) {
            if (claims[port] != null && claims[port].owner() == owner) claims[port] = null;
        }
    }
}
