package vmfs.impl.check;

import java.io.IOException;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.volume.DirectoryItem;
import vmfs.impl.volume.ResourceFile;

/** What mends a volume. Each is one step, which is done or not done after a power cut. */
public interface Repairs {
    /** A new header for a cluster whose items all count as used. @param type as in {@link vmfs.impl.format.LockSector#type} */
    void header(ResourceFile resource, int cluster, int type) throws IOException;

    /** The sector at an address gets to know that it is there. */
    void lockAddress(long at) throws IOException;

    /** The number of free items is what the bitmap says. */
    void recount(ResourceFile resource, int cluster) throws IOException;

    /** @param index of an item in its resource file */
    void mark(ResourceFile resource, int index, boolean free) throws IOException;

    void free(ResourceFile resource, int cluster, int[] items) throws IOException;

    /** @param at byte address of the descriptor */
    void descriptor(long at, Correction correction) throws IOException;

    /** A cluster has given out descriptors up to this generation. */
    void lastGeneration(int cluster, int generation) throws IOException;

    /** @param where byte address of the address that becomes 0 */
    void hole(long where) throws IOException;

    /** What an address points to is copied, and the address points to the copy. @param where byte address of the address */
    void copy(long where, long address) throws IOException;

    /** The first ({@code .}) or second ({@code ..}) entry of a directory. */
    void dots(FileDescriptor directory, int slot, FileDescriptor target) throws IOException;

    /** A name that cannot be, or is there twice, becomes another. */
    void rename(FileDescriptor directory, DirectoryItem item) throws IOException;

    /** An entry gets its file's type. */
    void retype(FileDescriptor directory, DirectoryItem item, FileDescriptor file) throws IOException;

    void remove(FileDescriptor directory, DirectoryItem item) throws IOException;

    /** A file that has no name gets one in {@code /lost+found}. */
    void found(FileDescriptor file) throws IOException;

    /** A heartbeat becomes a free one. */
    void heartbeat(long at) throws IOException;

    /** Changes fields of a descriptor. */
    @FunctionalInterface
    interface Correction {
        void of(FileDescriptor descriptor);
    }
}
