package vmkernel.core.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Who uses which blocks. Any thread. */
final class Claims {
    private record Claim(Unit unit, long first, long end, String owner, boolean writing) {
        boolean inTheWayOf(Claim other) { return unit == other.unit && first < other.end && other.first < end && (writing || other.writing); }
    }

    private final List<Claim> claims = new ArrayList<>();

    /** @return gives it back; again does nothing @throws IOException in one line, naming the other owner */
    synchronized Runnable claim(Extent extent, String owner, boolean writing) throws IOException {
        Claim wanted = new Claim(extent.unit, extent.first, extent.whole() ? Long.MAX_VALUE : extent.first + extent.blocks(), owner, writing);
        for (Claim claim : claims) {
            if (!claim.inTheWayOf(wanted)) continue;
            throw new IOException(extent.name() + ": is in use by " + claim.owner + (claim.writing ? "" : ", which reads it") + "; two users get along only if both just read");
        }
        claims.add(wanted);
        return () -> release(wanted);
    }

    /** By identity: two readers may be alike. */
    private synchronized void release(Claim wanted) {
        for (int i = 0; i < claims.size(); i++) {
            if (claims.get(i) != wanted) continue;
            claims.remove(i);
            return;
        }
    }
}
