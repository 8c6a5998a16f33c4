package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;

/**
 * A disk's first file, open, and the descriptor in it: a file of its own, or in a sparse extent; one that has no descriptor (raw, a bare redo log) is
 * told of by one that is made up.
 */
final class DiskText implements AutoCloseable {
    /** What images of other kinds begin with. */
    private static final Map<String, String> OTHERS = Map.of("QFI\u00fb", "QCOW2", "conectix", "VHD", "vhdxfile", "VHDX", "KDMV", "VMDK", "COWD", "VMDK",
        "# Disk DescriptorFile", "VMDK");
    private static final int HEAD = 512;

    private final VolumePath place;
    private final VmFile file;
    /** Where the descriptor is in the file, and the bytes it may have there; -1 if it is made up. */
    private final long at;
    private final int room;
    private Descriptor descriptor;

    private DiskText(VolumePath place, VmFile file, long at, int room, Descriptor descriptor) {
        this.place = place;
        this.file = file;
        this.at = at;
        this.room = room;
        this.descriptor = descriptor;
    }

    /** @throws IOException if it is no disk, in one line */
    static DiskText open(DiskFiles files, VolumePath place, Mode mode) throws IOException {
        VmFile file = files.open(place, mode);
        try {
            return of(place, file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static DiskText of(VolumePath place, VmFile file) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);
        file.read(0, head);
        String begin = new String(head.array(), StandardCharsets.ISO_8859_1);
        boolean flat = Places.name(place).toLowerCase(Locale.ROOT).endsWith("-flat.vmdk");
        boolean redo = Places.redo(place);
        Damage.require(!redo || begin.startsWith("COWD"), file.path(), 0, "this is no redo log, or its making was cut off; delete it");
        if (!redo && (flat || !Places.named(place))) return raw(place, file, begin);
        if (begin.startsWith("COWD")) return bare(place, file);
        if (begin.startsWith("KDMV")) return embedded(place, file);
        if (head.getLong(0) == SeSparseHeader.MAGIC) throw new Damage(file.path(), 0, "this is an extent of a disk; open the disk by its descriptor");
        return own(place, file);
    }

    private static DiskText own(VolumePath place, VmFile file) throws IOException {
        long length = file.length();
        Damage.require(length > 0 && length <= Descriptor.MAX_BYTES, file.path(), 0, length == 0 ? "the file is empty" : "this is no virtual disk");
        ByteBuffer bytes = ByteBuffer.allocate((int) length);
        file.read(0, bytes);
        return new DiskText(place, file, 0, Descriptor.MAX_BYTES, Descriptor.parse(file.path(), bytes.array(), 0));
    }

    private static DiskText embedded(VolumePath place, VmFile file) throws IOException {
        HostedHeader header = HostedHeader.read(file);
        if (header.descriptor() == 0) throw new Damage(file.path(), 0, "this is an extent of a disk; open the disk by its descriptor");
        ByteBuffer bytes = ByteBuffer.allocate(header.descriptorBlocks() * Layer.BLOCK);
        file.read(header.descriptor() * Layer.BLOCK, bytes);
        long at = header.descriptor() * Layer.BLOCK;
        Descriptor found = Descriptor.parse(file.path(), bytes.array(), at);
        boolean alone = found.extents().size() == 1 && found.extents().get(0).type().equals("SPARSE");
        Damage.require(alone, file.path(), at, "one SPARSE extent is expected in an embedded descriptor");
        return new DiskText(place, file, at, bytes.capacity(), found);
    }

    private static DiskText bare(VolumePath place, VmFile file) throws IOException {
        CowdHeader header = CowdHeader.read(file);
        Descriptor made = Descriptor.of(file.path(), Map.of("createType", "vmfsSparse"), List.of(line("VMFSSPARSE", header.shape().blocks(), place)), Map.of());
        return new DiskText(place, file, -1, 0, header.parent().isBlank() ? made : made.with("parentFileNameHint", header.parent().strip()));
    }

    private static DiskText raw(VolumePath place, VmFile file, String begin) throws IOException {
        for (Map.Entry<String, String> other : OTHERS.entrySet()) {
            boolean raw = !begin.startsWith(other.getKey());
            Damage.require(raw, file.path(), 0, "this is a " + other.getValue() + " image, and no raw one; the name of a virtual disk ends with .vmdk");
        }
        long length = file.length();
        Damage.require(length > 0 && length % Layer.BLOCK == 0, file.path(), length, "a raw disk has a multiple of 512 bytes, and this file " + length);
        ExtentLine line = line("FLAT", length / Layer.BLOCK, place);
        Map<String, String> values = Map.of("CID", Descriptor.hex(Descriptor.NEW), "createType", "raw");
        return new DiskText(place, file, -1, 0, Descriptor.of(file.path(), values, List.of(line), Map.of()));
    }

    private static ExtentLine line(String type, long blocks, VolumePath place) { return new ExtentLine("RW", blocks, type, Places.name(place).replace('"', '_'), -1); }

    VolumePath place() { return place; }
    VmFile file() { return file; }
    Mode mode() { return file.mode(); }
    synchronized Descriptor descriptor() { return descriptor; }

    /** Whether the extent is this very file. */
    boolean single() { return at != 0; }
    /** Whether the descriptor is made up, so that nothing can be told by it. */
    boolean made() { return at < 0; }
    /** A redo log without a descriptor tells its parent itself, but no content id. */
    boolean hasBareParent() { return made() && descriptor.parentHint().isPresent(); }

    VolumePath parent() throws IOException {
        String hint = descriptor().parentHint().orElseThrow(() -> new Damage(file.path(), Math.max(at, 0), "the parent is not named"));
        return Places.resolve(place, hint);
    }

    /** @throws IOException if the parent is not what it was when this was made of it */
    void requireParent(DiskText parent) throws IOException {
        if (made() || parent.made()) return;
        int expected = descriptor().parentCid(), found = parent.descriptor().cid();
        // a commit that was interrupted has given the parent the id of the child, whose content it is getting
        if (found == expected || found == descriptor().cid()) return;
        throw Places.refused(place, "its parent " + Places.name(parent.place) + " was changed after this redo log was made: its content id is "
            + Descriptor.hex(found) + ", and not " + Descriptor.hex(expected) + "; what the redo log has does not fit it any more");
    }

    /** Writes another content id, stable when this returns. @param parent the parent's, in case a commit was interrupted */
    synchronized void changeId(int id, int parent) throws IOException {
        if (made()) return;
        Descriptor changed = descriptor;
        if (descriptor.parentCid() != Descriptor.NO_PARENT && descriptor.parentCid() != parent) changed = put(changed, "parentCID", parent);
        descriptor = put(changed, "CID", id);
    }

    private Descriptor put(Descriptor old, String key, int id) throws IOException {
        Descriptor changed = old.with(key, Descriptor.hex(id));
        byte[] text = old.bytes();
        int digits = Descriptor.digits(read(text.length), key);
        // eight bytes, of which a power cut leaves all or none
        if (digits >= 0) file.write(at + digits, ByteBuffer.wrap(Descriptor.hex(id).getBytes(StandardCharsets.US_ASCII))); else store(changed);
        file.flush();
        return changed;
    }

    private byte[] read(int bytes) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(bytes);
        file.read(at, text);
        return text.array();
    }

    private void store(Descriptor changed) throws IOException {
        if (at > 0) {
            file.write(at, changed.padded(room, at));
            return;
        }
        byte[] text = changed.bytes();
        int length = (int) file.length();
        if (text.length > length) file.truncate(text.length);
        ByteBuffer image = ByteBuffer.allocate(Math.max(text.length, length)).put(text);
        while (image.hasRemaining()) image.put((byte) '\n');
        file.write(0, image.flip());
    }

    /**
     * Writes another descriptor in place of this; the last thing that is done with it. All of it or nothing; LIMIT: but for one in a sparse extent that
     * needs more than a block.
     */
    synchronized void change(Descriptor changed) throws IOException {
        if (made()) return;
        if (at == 0 && Math.max(changed.bytes().length, file.length()) > Layer.BLOCK) replace(changed);
        else {
            store(changed);
            file.flush();
        }
        descriptor = changed;
    }

    private void replace(Descriptor changed) throws IOException {
        VolumePath next = place.sibling(Places.name(place) + "~");
        try {
            place.volume().delete(next.path());
        } catch (NoSuchFileException e) {
            // nobody was interrupted here
        }
        try (VmFile other = place.volume().create(next.path(), file.status().mode())) {
            other.write(0, ByteBuffer.wrap(changed.bytes()));
        }
        file.close(); // an open file may not be replaced; its extents are open still
        place.volume().rename(next.path(), place.path());
    }

    /** What its kind is, by its createType. */
    DiskFormat format() throws IOException {
        String type = descriptor().createType();
        DiskFormat found = DiskFormat.named(type).orElseThrow(() -> Places.refused(place, "disks of type " + type + " are not known"));
        boolean thin = descriptor().value("ddb.thinProvisioned").filter("1"::equals).isPresent();
        return found == DiskFormat.VMFS && thin ? DiskFormat.VMFS_THIN : found;
    }

    @Override public void close() throws IOException { file.close(); }
}
