package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

/** Gives back blocks of a file that are all zeros. @param unit bytes of the volume's blocks */
record Punch(VmFile file, int unit) {
    static final int MAX_UNIT = 8 << 20;

    /** Between two places of the file. */
    void zeros(long from, long to, Progress progress) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(unit);
        long run = -1; // where a run of zeros began that has blocks
        for (long at = (from + unit - 1) / unit * unit; at < to; ) {
            progress.at(at - from, to - from);
            long data = Math.min(to, file.nextData(at)) / unit * unit;
            if (data > at) {
                give(run, at);
                run = -1;
                at = data;
                continue;
            }
            file.read(at, buffer.clear().limit((int) Math.min(unit, to - at)));
            boolean zeros = allZero(buffer.flip());
            if (zeros && run < 0) run = at;
            if (!zeros) {
                give(run, at);
                run = -1;
            }
            at = Math.min(to, at + unit);
        }
        give(run, to);
    }

    private static boolean allZero(ByteBuffer data) {
        for (int at = 0; at < data.limit(); at += Copy.STEP_BYTES) {
            if (!Copy.zeros(data.slice(at, Math.min(Copy.STEP_BYTES, data.limit() - at)))) return false;
        }
        return true;
    }

    private void give(long from, long to) throws IOException {
        if (from >= 0 && to > from) file.punch(from, to - from);
    }
}
