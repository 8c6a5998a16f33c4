package vmfs.impl.journal;

import java.io.IOException;
import vmfs.impl.volume.Metadata;

/** Metadata of a volume as they are committed. Any thread. */
public interface Committed {
    /** What reads metadata. */
    @FunctionalInterface
    interface Look<T> { T on(Metadata metadata) throws IOException; }

    /** Reads as if nobody changed anything meanwhile; the reader may run more than once. Not within another. */
    <T> T look(Look<T> reader) throws IOException;

    /** One more each time that what is derived from metadata has to be forgotten, because another host or a failure changed them. */
    long epoch();
}
