package vmfs.impl.volume;

import java.io.IOException;

/** What is on a volume cannot be right. */
public final class VolumeDamagedException extends IOException {
    private static final long serialVersionUID = 1;

    private final long address;
    private final String what;

    /** @param volume label or UUID; @param address byte in the volume; @param what is wrong there */
    public VolumeDamagedException(String volume, long address, String what) {
        super("volume " + line(volume) + " is damaged at byte 0x" + Long.toHexString(address) + ": " + line(what) + "; check it");
        this.address = address;
        this.what = line(what);
    }

    /** A text with damaged names in it as one line. */
    public static String line(String text) { return text.replaceAll("\\p{Cntrl}", "?"); }

    /** Without the volume and the place. */
    public String what() { return what; }

    /** Byte in the volume. */
    public long address() { return address; }
}
