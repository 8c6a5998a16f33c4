package vmfs.impl.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;

/** A piece of metadata with a mark for each sector that was changed. Its bytes are not written to any more once it left its transaction. */
final class Page {
    static final int BYTES = 4096, SECTOR = 512, SECTORS = BYTES / SECTOR;

    final byte[] bytes;
    /** Bit for each sector. */
    int changed;

    Page(byte[] bytes, int changed) {
        this.bytes = bytes;
        this.changed = changed;
    }

    void mark(int from, int length) {
        for (int sector = from / SECTOR; sector <= (from + length - 1) / SECTOR; sector++) changed |= 1 << sector;
    }

    /** Takes marks off sectors that are as before. @return the marks that are left */
    int trim(ByteBuffer before) {
        ByteBuffer now = ByteBuffer.wrap(bytes);
        for (int i = 0; i < SECTORS; i++) {
            if ((changed & 1 << i) != 0 && now.slice(i * SECTOR, SECTOR).equals(before.slice(i * SECTOR, SECTOR))) changed &= ~(1 << i);
        }
        return changed;
    }

    /** @param address of the page; @param to gets the sectors that are changed, by address */
    void changed(long address, Map<Long, byte[]> to) {
        for (int i = 0; i < SECTORS; i++) if ((changed & 1 << i) != 0) to.put(address + i * SECTOR, Arrays.copyOfRange(bytes, i * SECTOR, (i + 1) * SECTOR));
    }

    int sectors() { return Integer.bitCount(changed); }
}
