package vmkernel.api.files;

/** A file's place: a volume, and a path in it that begins with a slash. */
public record VolumePath(Volume volume, String path) {
    @Override public String toString() { return (volume.type().equals("host") ? "" : "/vmfs/" + volume.label()) + path; }

    /** The same with another last part. */
    public VolumePath sibling(String name) { return new VolumePath(volume, path.substring(0, path.lastIndexOf('/') + 1) + name); }
}
