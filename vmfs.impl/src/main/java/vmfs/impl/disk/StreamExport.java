package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.Deflater;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

/** Writes a streamOptimized disk from front to end, without ever going back [VMDK] section "Stream-Optimized Compressed Sparse Extents". */
final class StreamExport {
    private static final int BLOCK = Layer.BLOCK, MARKER = 12, BUFFER_BYTES = 1 << 20, GRAIN_BYTES = HostedHeader.GRAIN_BLOCKS * BLOCK;
    private static final int VERSION = 3, END_OF_STREAM = 0, GRAIN_TABLE = 1, GRAIN_DIRECTORY = 2, FOOTER = 3;

    private final VmFile file;
    private final Link source;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final Deflater deflater = new Deflater();
    /** Bytes that were written before those in the buffer. */
    private long written;

    private StreamExport(VmFile file, Link source) {
        this.file = file;
        this.source = source;
    }

    /** Writes all but the descriptor, for which it leaves the room. */
    static void write(VmFile file, Link source, Progress progress) throws IOException {
        StreamExport export = new StreamExport(file, source);
        try {
            export.write(progress);
        } finally {
            export.deflater.end();
        }
    }

    private ByteBuffer header(long directory) {
        return HostedHeader.image(VERSION, HostedHeader.COMPRESSED | HostedHeader.MARKERS, source.blocks(), true, 0, directory, HostedHeader.GRAIN_BLOCKS);
    }

    private void write(Progress progress) throws IOException {
        Shape shape = new Shape(source.blocks(), HostedHeader.GRAIN_BLOCKS, HostedHeader.TABLE_ENTRIES, Shape.Coding.PLAIN, 0, 0, 0, true, 0);
        room(GRAIN_BYTES).put(header(HostedHeader.AT_END));
        zerosTo(GRAIN_BYTES);
        int[] directory = new int[shape.tableCount()], table = new int[HostedHeader.TABLE_ENTRIES];
        for (int number = 0; number < directory.length; number++) {
            boolean any = grains(shape, (long) number * table.length, table, progress);
            if (any) directory[number] = entries(GRAIN_TABLE, table);
        }
        int place = entries(GRAIN_DIRECTORY, directory);
        marker(FOOTER, 1);
        room(BLOCK).put(header(place));
        marker(END_OF_STREAM, 0);
        empty();
        file.flush();
        progress.at(source.blocks() * BLOCK, source.blocks() * BLOCK);
    }

    private boolean grains(Shape shape, long first, int[] table, Progress progress) throws IOException {
        boolean any = false;
        ByteBuffer data = ByteBuffer.allocate(GRAIN_BYTES);
        for (int i = 0; i < table.length; i++) {
            long block = (first + i) * shape.grainBlocks();
            table[i] = 0;
            if (block >= shape.blocks()) continue;
            progress.at(block * BLOCK, shape.blocks() * BLOCK);
            int used = (int) shape.used(first + i);
            Layer.Run run = source.seen(block);
            if (run.kind() == Layer.Run.Kind.ZERO && run.blocks() >= used) continue;
            source.read(block, data.clear().limit(used * BLOCK));
            if (Copy.zeros(data.flip())) continue;
            Arrays.fill(data.array(), used * BLOCK, GRAIN_BYTES, (byte) 0);
            table[i] = grain(block, data.array());
            any = true;
        }
        return any;
    }

    /** @return its place */
    private int grain(long block, byte[] data) throws IOException {
        room(2 * GRAIN_BYTES);
        int place = place(), start = buffer.position();
        deflater.reset();
        deflater.setInput(data);
        deflater.finish();
        buffer.position(start + MARKER);
        while (!deflater.finished()) deflater.deflate(buffer);
        buffer.putLong(start, block).putInt(start + 8, buffer.position() - start - MARKER);
        zerosTo((buffer.position() + BLOCK - 1) / BLOCK * BLOCK);
        return place;
    }

    /** A table or the directory, behind its marker. @return its place */
    private int entries(int kind, int[] entries) throws IOException {
        int bytes = (entries.length * Integer.BYTES + BLOCK - 1) / BLOCK * BLOCK;
        marker(kind, bytes / BLOCK);
        int place = place();
        for (int entry : entries) room(BLOCK).putInt(entry);
        zerosTo((buffer.position() + BLOCK - 1) / BLOCK * BLOCK);
        return place;
    }

    private void marker(int kind, int blocks) throws IOException {
        room(2 * BLOCK);
        int end = buffer.position() + BLOCK;
        buffer.putLong(blocks).putInt(0).putInt(kind);
        zerosTo(end);
    }

    private int place() throws IOException {
        long place = (written + buffer.position()) / BLOCK;
        if (place > 0xFFFFFFFFL) throw new IOException(file.path() + ": the file cannot be longer than 2 TB");
        return (int) place;
    }

    private void zerosTo(int end) {
        while (buffer.position() < end) buffer.put((byte) 0);
    }

    /** Has room for that many bytes behind the buffer's position. */
    private ByteBuffer room(int bytes) throws IOException {
        if (buffer.remaining() < bytes) empty();
        return buffer;
    }

    /** Writes whole blocks; what a table has of one stays. */
    private void empty() throws IOException {
        int end = buffer.position(), whole = end / BLOCK * BLOCK;
        file.write(written, buffer.duplicate().position(0).limit(whole));
        written += whole;
        buffer.limit(end).position(whole);
        buffer.compact();
    }
}
