package devices.pc.bus;

/** A row of a device's register table; implemented by an enum. */
public interface Register {
    /** First byte, from the start of the claim. */
    int offset();

    /** 1, 2 or 4. */
    int bytes();
}
