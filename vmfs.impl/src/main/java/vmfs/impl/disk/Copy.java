package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmkernel.api.files.Progress;

/** Goes over a disk from front to end, in steps that need little memory. */
final class Copy {
    static final int STEP_BYTES = 1 << 20;
    /** What is looked at for zeros: a grain of most formats. */
    private static final int PIECE_BYTES = 64 << 10;
    /** Never written. */
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(STEP_BYTES);

    private Copy() {}

    /** Takes a step's data. */
    interface Sink {
        void write(long block, ByteBuffer data) throws IOException;
    }

    static boolean zeros(ByteBuffer data) { return data.mismatch(ZEROS.duplicate().limit(data.remaining())) < 0; }

    /** Copies what a guest sees. @param all zeros too */
    static void seen(Link source, Sink to, boolean all, Progress progress) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(STEP_BYTES);
        long blocks = source.blocks(), bytes = blocks * Layer.BLOCK;
        for (long at = 0; at < blocks; ) {
            progress.at(at * Layer.BLOCK, bytes);
            Layer.Run run = source.seen(at);
            boolean known = run.kind() == Layer.Run.Kind.ZERO;
            long step = Math.min(blocks - at, known && !all ? run.blocks() : known ? Math.min(run.blocks(), STEP_BYTES / Layer.BLOCK) : STEP_BYTES / Layer.BLOCK);
            if (!known) {
                source.read(at, buffer.clear().limit((int) step * Layer.BLOCK));
                if (all) to.write(at, buffer.flip()); else withoutZeros(at, buffer.flip(), to);
            } else if (all) {
                to.write(at, ZEROS.duplicate().limit((int) step * Layer.BLOCK));
            }
            at += step;
        }
        progress.at(bytes, bytes);
    }

    private static void withoutZeros(long block, ByteBuffer data, Sink to) throws IOException {
        int end = data.limit();
        for (int at = 0, next; at < end; at = next) {
            boolean zeros = zeros(piece(data, at));
            for (next = at; next < end && zeros(piece(data, next)) == zeros; ) next = Math.min(end, next + PIECE_BYTES);
            if (!zeros) to.write(block + at / Layer.BLOCK, data.slice(at, next - at));
        }
    }

    private static ByteBuffer piece(ByteBuffer data, int at) { return data.slice(at, Math.min(PIECE_BYTES, data.limit() - at)); }

    /** Copies what a redo log has of its own, zeros too. */
    static void own(Link source, Sink to, Progress progress) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(STEP_BYTES);
        long blocks = source.blocks(), bytes = blocks * Layer.BLOCK;
        for (long at = 0; at < blocks; ) {
            progress.at(at * Layer.BLOCK, bytes);
            Layer.Run run = source.run(at);
            boolean has = run.kind() != Layer.Run.Kind.BELOW;
            long step = has ? Math.min(run.blocks(), STEP_BYTES / Layer.BLOCK) : run.blocks();
            if (has) {
                source.read(at, buffer.clear().limit((int) step * Layer.BLOCK));
                to.write(at, buffer.flip());
            }
            at += step;
        }
        progress.at(bytes, bytes);
    }
}
