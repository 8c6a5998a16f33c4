package vmfs.impl.disk;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Executor;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VmFile.Mode;

/** An extent of a disk, to be opened as its line in the descriptor says. */
record ExtentFile(DiskText text, ExtentLine line, DiskFiles files) {
    Layer open(Layer below, long base, Executor workers) throws IOException {
        if (line.type().equals("ZERO")) return new Zeros(line.blocks());
        if (line.access().equals("NOACCESS")) throw refused("may not be accessed, says the descriptor");
        VmFile file = file();
        try {
            Layer extent = open(file, below, base, workers);
            long missing = line.blocks() - extent.blocks();
            Damage.require(missing <= 0, file.path(), 0, "the extent has " + missing + " blocks less than its descriptor says");
            return extent;
        } catch (IOException | RuntimeException e) {
            if (file != text.file()) file.close();
            throw e;
        }
    }

    private FileSystemException refused(String why) { return Places.refused(text.place(), "its extent " + line.file() + " " + why); }

    private VmFile file() throws IOException {
        if (text.single()) return text.file();
        boolean fixed = !line.access().equals("RW") || line.type().equals("SESPARSE");
        try {
            return files.open(Places.resolve(text.place(), line.file()), text.mode() == Mode.WRITE && fixed ? Mode.SHARE : text.mode());
        } catch (NoSuchFileException e) {
            throw refused("is not there");
        }
    }

    private Layer open(VmFile file, Layer below, long base, Executor workers) throws IOException {
        boolean writing = file.mode() == Mode.WRITE;
        switch (line.type()) {
            case "FLAT", "VMFS": return flat(file);
            case "SPARSE":
                HostedHeader header = HostedHeader.read(file);
                boolean markers = (header.flags() & HostedHeader.MARKERS) != 0;
                if (header.shape().compressed()) return new Compressed(file, new GrainMap(file, header, false), markers, below, base, workers);
                return new Sparse(file, new GrainMap(file, header, writing), below, base, workers);
            case "VMFSSPARSE": return new Sparse(file, new GrainMap(file, CowdHeader.read(file), writing), below, base, workers);
            case "SESPARSE": return new Sparse(file, new GrainMap(file, SeSparseHeader.read(file), false), below, base, workers);
            default: throw refused("is of type " + line.type() + ", which is not known; FLAT, VMFS, SPARSE, VMFSSPARSE, SESPARSE and ZERO are");
        }
    }

    private Flat flat(VmFile file) throws IOException {
        long first = Math.max(0, line.offset()), end = (first + line.blocks()) * Layer.BLOCK, length = file.length();
        Damage.require(end <= length, file.path(), length, "the file ends here, and its extent at byte " + end);
        return new Flat(file, first, line.blocks());
    }
}
