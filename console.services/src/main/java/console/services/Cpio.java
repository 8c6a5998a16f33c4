package console.services;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes an archive in the "newc" format that Linux unpacks as its initial RAM disk [Linux] driver-api/early-userspace/buffer-format.
 * Owner and times are 0, so that the same content gives the same bytes. Not thread-safe.
 */
final class Cpio {
    private static final int FOLDER = 0040000;
    private static final int FILE = 0100000;
    private static final int LINK = 0120000;
    private static final int CHARACTER_DEVICE = 0020000;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int inode;

    Cpio folder(String name) { return entry(name, FOLDER | 0755, 0, 0, new byte[0]); }

    Cpio file(String name, int permissions, byte[] content) { return entry(name, FILE | permissions, 0, 0, content); }

    Cpio link(String name, String target) { return entry(name, LINK | 0777, 0, 0, target.getBytes(StandardCharsets.UTF_8)); }

    Cpio characterDevice(String name, int major, int minor) { return entry(name, CHARACTER_DEVICE | 0600, major, minor, new byte[0]); }

    /** The archive with its trailer; nothing may be added afterwards. */
    byte[] bytes() {
        entry("TRAILER!!!", 0, 0, 0, new byte[0]);
        return out.toByteArray();
    }

    private Cpio entry(String name, int mode, int major, int minor, byte[] content) {
        byte[] path = (name + "\0").getBytes(StandardCharsets.UTF_8);
        // magic, inode, mode, uid, gid, links, mtime, size, major and minor of the disk and of the device, length of the name, checksum
        int[] fields = {++inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, path.length, 0};
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) header.append(String.format("%08X", field));
        out.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(path);
        pad();
        out.writeBytes(content);
        pad();
        return this;
    }

    private void pad() {
        while (out.size() % 4 != 0) out.write(0);
    }
}
