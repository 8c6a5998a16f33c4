package vmfs.impl.disk;

import java.nio.file.FileSystemException;

/** A file of a disk that is not as the format says. */
final class Damage extends FileSystemException {
    private static final long serialVersionUID = 1;

    /** @param offset of the wrong bytes in the file */
    Damage(String file, long offset, String what) { super(file, null, "byte " + offset + ": " + what); }

    static void require(boolean good, String file, long offset, String what) throws Damage {
        if (!good) throw new Damage(file, offset, what);
    }
}
