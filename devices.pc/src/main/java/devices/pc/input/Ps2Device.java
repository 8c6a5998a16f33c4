package devices.pc.input;

/** A device on a PS/2 wire, as the keyboard controller sees it. */
public interface Ps2Device {
    /** A byte for the device. */
    void receive(int value);

    /** Next byte from the device, or -1. */
    int send();
}
