package vmkernel.core.storage;

import java.util.Locale;
import java.util.Optional;

/** What becomes of what a guest writes to a disk, {@code scsiN:T.mode} [ESX]. */
enum DiskMode {
    /** It is on the disk. */
    PERSISTENT,
    /** It is forgotten at power-off. */
    NONPERSISTENT,
    /** It is in a redo log, about which is decided at power-off. */
    UNDOABLE,
    /** It is in a redo log, which grows until somebody commits or deletes it. */
    APPEND;

    /** What becomes of an undoable disk's redo log at power-off. */
    enum End { KEEP, COMMIT, DISCARD }

    boolean redo() { return this == UNDOABLE || this == APPEND; }

    /** By its name in a configuration, in any case; newer ones put {@code independent-} before it. */
    static Optional<DiskMode> named(String name) {
        String plain = name.strip().toUpperCase(Locale.ROOT);
        return constant(DiskMode.class, plain.startsWith("INDEPENDENT-") ? plain.substring("INDEPENDENT-".length()) : plain);
    }

    static <E extends Enum<E>> Optional<E> constant(Class<E> of, String name) {
        for (E constant : of.getEnumConstants()) if (constant.name().equalsIgnoreCase(name.strip())) return Optional.of(constant);
        return Optional.empty();
    }
}
