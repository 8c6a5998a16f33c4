package vmfs.impl;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/** A disk in memory that takes only the room of what is not zero; requests are done when submit returns. */
public final class MemoryDisk implements BlockDevice {
    private static final int CHUNK = 65536;
    private static final byte[] ZEROS = new byte[CHUNK];

    private final String name;
    private final long bytes;
    private final Map<Long, byte[]> chunks = new HashMap<>();
    private final ByteBuffer window = ByteBuffer.allocateDirect(CHUNK);
    private boolean readOnly;
    private long reads, writes, readLimit = Long.MAX_VALUE;

    public MemoryDisk(String name, long bytes) {
        this.name = name;
        this.bytes = bytes;
    }

    /** @param in all of the disk */
    public static MemoryDisk of(String name, InputStream in) throws IOException {
        Map<Long, byte[]> read = new HashMap<>();
        long size = 0;
        for (byte[] chunk; (chunk = in.readNBytes(CHUNK)).length > 0; size += chunk.length) {
            if (!Arrays.equals(chunk, 0, chunk.length, ZEROS, 0, chunk.length)) read.put(size / CHUNK, Arrays.copyOf(chunk, CHUNK));
        }
        MemoryDisk disk = new MemoryDisk(name, size);
        disk.chunks.putAll(read);
        return disk;
    }

    /** Another disk with the same content. */
    public synchronized MemoryDisk copy() {
        MemoryDisk copy = new MemoryDisk(name, bytes);
        chunks.forEach((i, chunk) -> copy.chunks.put(i, chunk.clone()));
        return copy;
    }

    public MemoryDisk readOnly(boolean on) {
        readOnly = on;
        return this;
    }

    /** From here on reads beyond these fail: for what might never end. */
    public synchronized void limitReads(long count) {
        reads = 0;
        readLimit = count;
    }

    /** Requests since {@link #limitReads} or the beginning. */
    public synchronized long reads() { return reads; }
    public synchronized long writes() { return writes; }

    /** Bytes as they are on the disk. */
    public synchronized byte[] get(long at, int length) {
        byte[] to = new byte[length];
        for (int done = 0, part; done < length; done += part) {
            int first = (int) ((at + done) % CHUNK);
            part = Math.min(length - done, CHUNK - first);
            System.arraycopy(chunks.getOrDefault((at + done) / CHUNK, ZEROS), first, to, done, part);
        }
        return to;
    }

    public synchronized void put(long at, byte[] from) {
        for (int done = 0, part; done < from.length; done += part) {
            int first = (int) ((at + done) % CHUNK);
            part = Math.min(from.length - done, CHUNK - first);
            System.arraycopy(from, done, chunks.computeIfAbsent((at + done) / CHUNK, i -> new byte[CHUNK]), first, part);
        }
    }

    @Override public String name() { return name; }
    @Override public long blocks() { return bytes / 512; }
    @Override public int blockBytes() { return 512; }
    @Override public boolean readOnly() { return readOnly; }
    @Override public LogicalUnit unit() { return new LogicalUnit(0, 0, blocks(), 512, readOnly, "TEST", "Memory", "1"); }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) { done.accept(result(operation, block, data)); }

    private synchronized BlockResult result(BlockOperation operation, long block, Transfer data) {
        if (operation != BlockOperation.READ && operation != BlockOperation.WRITE) return BlockResult.GOOD;
        if (block < 0 || block + data.bytes() / 512 > blocks() || data.bytes() % 512 != 0) return BlockResult.OUT_OF_RANGE;
        if (operation == BlockOperation.READ) {
            if (++reads > readLimit) return BlockResult.READ_ERROR;
        } else {
            if (readOnly) return BlockResult.WRITE_PROTECTED;
            writes++;
        }
        long at = block * 512;
        for (int moved = 0, part; moved < data.bytes(); moved += part) {
            part = Math.min(data.bytes() - moved, CHUNK);
            if (operation == BlockOperation.READ) {
                window.put(0, get(at + moved, part));
                data.copyFrom(moved, HostMemory.addressOf(window), part);
            } else {
                byte[] from = new byte[part];
                data.copyTo(moved, HostMemory.addressOf(window), part);
                window.get(0, from);
                put(at + moved, from);
            }
        }
        return BlockResult.GOOD;
    }
}
