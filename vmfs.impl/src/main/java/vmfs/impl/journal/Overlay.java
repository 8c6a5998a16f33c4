package vmfs.impl.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import vmfs.impl.volume.Metadata;

/** Metadata with pages of changes over them. One thread at a time. */
record Overlay(Metadata below, Map<Long, Page> pages) implements Metadata {
    @Override
    public ByteBuffer read(long address, int bytes) throws IOException {
        long first = address / Page.BYTES, last = (address + bytes - 1) / Page.BYTES;
        if (first == last) {
            Page page = pages.get(first);
            return page == null ? below.read(address, bytes) : ByteBuffer.wrap(page.bytes, (int) (address % Page.BYTES), bytes).slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }
        return touched(first, last) ? joined(address, bytes) : below.read(address, bytes);
    }

    private boolean touched(long first, long last) {
        if (pages.isEmpty()) return false;
        for (long number = first; number <= last; number++) if (pages.containsKey(number)) return true;
        return false;
    }

    private ByteBuffer joined(long address, int bytes) throws IOException {
        byte[] all = new byte[bytes];
        for (int done = 0, part; done < bytes; done += part) {
            int in = (int) ((address + done) % Page.BYTES);
            part = Math.min(bytes - done, Page.BYTES - in);
            Page page = pages.get((address + done) / Page.BYTES);
            if (page == null) below.read(address + done, part).get(all, done, part); else System.arraycopy(page.bytes, in, all, done, part);
        }
        return ByteBuffer.wrap(all).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
}
