package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Metadata of a volume as somebody sees it: what is committed, or a transaction with its own changes. */
@FunctionalInterface
public interface Metadata {
    /**
     * @param address byte in the volume; @param bytes how many, at most 16 MiB
     * @return a read-only view, little endian, from 0 to {@code bytes}; it may keep what was there when it was read
     * @throws IOException in one line with the address, if it is out of the volume or cannot be read
     */
    ByteBuffer read(long address, int bytes) throws IOException;
}
