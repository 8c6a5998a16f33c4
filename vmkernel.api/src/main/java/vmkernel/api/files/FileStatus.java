package vmkernel.api.files;

/**
 * What is known of a file.
 *
 * @param name last part of the path; {@code /} for the root
 * @param id names the file in its volume as long as it lives
 * @param length in bytes; @param allocatedBytes that it takes
 * @param mode permissions, 07777 at most
 * @param modified seconds since 1970, as are the others
 */
public record FileStatus(String name, long id, Type type, long length, long allocatedBytes, int links, int mode, int uid, int gid, long modified, long changed, long accessed) {
    /** What it is. RDM: a raw LUN's entry; SYSTEM: the file system's own. */
    public enum Type { FILE, DIRECTORY, SYMLINK, SYSTEM, RDM }
}
