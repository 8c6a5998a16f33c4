package vmfs.impl.nio;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import vmkernel.api.files.Volume;

/** The room of a volume. */
final class VolumeStore extends FileStore {
    private final Volume volume;

    VolumeStore(Volume volume) { this.volume = volume; }

    @Override public String name() { return volume.label().isEmpty() ? volume.uuid() : volume.label(); }

    @Override public String type() { return volume.type(); }

    @Override public boolean isReadOnly() { return volume.readOnly().isPresent(); }

    @Override public long getTotalSpace() throws IOException { return volume.space().bytes(); }

    @Override public long getUsableSpace() throws IOException { return volume.space().freeBytes(); }

    @Override public long getUnallocatedSpace() throws IOException { return volume.space().freeBytes(); }

    @Override public long getBlockSize() throws IOException { return volume.space().blockBytes(); }

    @Override public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) { return type.isAssignableFrom(VolumeAttributeView.class); }

    @Override public boolean supportsFileAttributeView(String name) { return VolumeAttributeView.NAMES.contains(name); }

    @Override public <V extends FileStoreAttributeView> V getFileStoreAttributeView(Class<V> type) { return null; }

    @Override
    public Object getAttribute(String attribute) throws IOException {
        return switch (attribute) {
            case "totalSpace" -> getTotalSpace();
            case "usableSpace" -> getUsableSpace();
            case "unallocatedSpace" -> getUnallocatedSpace();
            case "blockSize" -> getBlockSize();
            case "uuid" -> volume.uuid();
            case "files" -> volume.space().files();
            case "freeFiles" -> volume.space().freeFiles();
            default -> throw new UnsupportedOperationException("a volume has no attribute " + attribute);
        };
    }

    @Override public boolean equals(Object other) { return other instanceof VolumeStore store && store.volume == volume; }

    @Override public int hashCode() { return System.identityHashCode(volume); }

    @Override public String toString() { return name() + " (" + type() + ")"; }
}
