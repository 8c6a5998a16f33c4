package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Writes bytes to any place of a volume's data: the sectors at both ends are read before if they are not written as a whole. Any thread. */
final class SectorWriter {
    private static final int SECTOR = Extents.BLOCK;

    private final Extents extents;

    SectorWriter(Extents extents) { this.extents = extents; }

    /** Writes all of the buffer. */
    void write(long place, ByteBuffer from) throws IOException {
        int head = (int) (place % SECTOR);
        if (head == 0 && from.remaining() % SECTOR == 0) {
            whole(place, from, from.remaining());
            return;
        }
        long at = place;
        if (head != 0) at += part(at, from, Math.min(from.remaining(), SECTOR - head));
        if (from.remaining() >= SECTOR) at += whole(at, from, from.remaining() / SECTOR * SECTOR);
        if (from.hasRemaining()) part(at, from, from.remaining());
    }

    private int whole(long at, ByteBuffer from, int bytes) throws IOException {
        ByteBuffer sectors = from.slice(from.position(), bytes);
        if (!from.isDirect() && !from.hasArray()) sectors = ByteBuffer.allocate(bytes).put(sectors).flip();
        extents.write(at, sectors);
        from.position(from.position() + bytes);
        return bytes;
    }

    /** Two that write to the same sector come one after the other. */
    private synchronized int part(long at, ByteBuffer from, int bytes) throws IOException {
        ByteBuffer sector = ByteBuffer.allocate(SECTOR);
        extents.read(at / SECTOR * SECTOR, sector);
        sector.position((int) (at % SECTOR)).put(from.slice(from.position(), bytes));
        extents.write(at / SECTOR * SECTOR, sector.clear());
        from.position(from.position() + bytes);
        return bytes;
    }
}
