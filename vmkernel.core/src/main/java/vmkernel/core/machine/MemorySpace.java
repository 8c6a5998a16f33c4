package vmkernel.core.machine;

import java.util.Arrays;
import java.util.Comparator;
import vmkernel.api.device.IoHandler;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.PortBus;
import vmkernel.core.memory.Remappable;

/**
 * The memory-mapped devices of one VM: claims, sorted. A claim takes precedence over RAM; what is not claimed on a page that a
 * claim touches is RAM or ROM, if there is any. An access that leaves a claim is made of bytes.
 */
final class MemorySpace implements PortBus {
    private final DeviceLock lock;
    private final GuestMemory memory;
    /** Told of pages that became or are no longer a device. */
    private final Remappable pages;
    /** By first address; replaced as a whole, so that readers need no lock. */
    private volatile Claim[] claims = {};

    MemorySpace(DeviceLock lock, GuestMemory memory, Remappable pages) {
        this.lock = lock;
        this.memory = memory;
        this.pages = pages;
    }

    /** True if a device has claimed any address of this page. */
    boolean claimed(long ppn) {
        Claim[] now = claims;
        int at = atOrBelow(now, (ppn << GuestMemory.PAGE_SHIFT) + GuestMemory.PAGE_SIZE - 1);
        return at >= 0 && now[at].end() > ppn << GuestMemory.PAGE_SHIFT;
    }

    /** Index of the last claim that starts at or below the address, or -1. */
    private static int atOrBelow(Claim[] claims, long address) {
        int low = 0;
        int high = claims.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (claims[middle].first() <= address) low = middle + 1; else high = middle - 1;
        }
        return high;
    }

    private Claim at(long address) {
        Claim[] now = claims;
        int at = atOrBelow(now, address);
        return at >= 0 && address < now[at].end() ? now[at] : null;
    }

    @Override
    public long read(long address, int bytes) {
        lock.enter();
        try {
            Claim claim = at(address);
            if (claim != null && address + bytes <= claim.end()) return read(claim, address, bytes);
            long value = 0;
            for (int i = 0; i < bytes; i++) {
                claim = at(address + i);
                value |= (claim == null ? memory.read(address + i, 1) : read(claim, address + i, 1)) << 8 * i;
            }
            return value;
        } finally {
            lock.leave();
        }
    }

    private static long read(Claim claim, long address, int bytes) {
        try {
            return claim.read(address, bytes);
        } catch (Throwable e) {
            claim.owner().broken("reading address 0x" + Long.toHexString(address), e);
            return Claim.nobody(bytes);
        }
    }

    @Override
    public void write(long address, int bytes, long value) {
        lock.enter();
        try {
            Claim claim = at(address);
            if (claim != null && address + bytes <= claim.end()) {
                write(claim, address, bytes, value);
                return;
            }
            for (int i = 0; i < bytes; i++) {
                claim = at(address + i);
                if (claim == null) memory.write(address + i, 1, value >>> 8 * i); else write(claim, address + i, 1, value >>> 8 * i);
            }
        } finally {
            lock.leave();
        }
    }

    private static void write(Claim claim, long address, int bytes, long value) {
        try {
            claim.write(address, bytes, value);
        } catch (Throwable e) {
            claim.owner().broken("writing address 0x" + Long.toHexString(address), e);
        }
    }

    /** Under the device lock. */
    void claim(AttachedDevice owner, long first, long bytes, IoHandler handler) {
        if (first < 0 || bytes < 1 || first + bytes < 0) throw new IllegalArgumentException("memory 0x" + Long.toHexString(first) + " + " + bytes + ": out of range");
        Claim claim = new Claim(owner, first, first + bytes, handler);
        for (Claim other : claims) {
            if (other.first() < claim.end() && first < other.end()) {
                throw new IllegalStateException("memory at 0x" + Long.toHexString(Math.max(first, other.first())) + " belongs to " + other.owner().prefix());
            }
        }
        Claim[] more = Arrays.copyOf(claims, claims.length + 1);
        more[claims.length] = claim;
        Arrays.sort(more, Comparator.comparingLong(Claim::first));
        claims = more;
        pages.remapped(first, bytes);
    }

    /** Gives up the claims of this device that lie within the range. Under the device lock. */
    void release(AttachedDevice owner, long first, long bytes) {
        Claim[] before = claims;
        claims = Arrays.stream(before).filter(claim -> claim.owner() != owner || claim.first() < first || claim.end() - first > bytes).toArray(Claim[]::new);
        for (Claim claim : before) {
            if (claim.owner() == owner && claim.first() >= first && claim.end() - first <= bytes) pages.remapped(claim.first(), claim.end() - claim.first());
        }
    }
}
