package devices.pc.bus;

/** The registers of a chip on a bus with byte lanes, such as PCI. */
public interface RegisterFile<E extends Register> {
    /** The whole register. */
    int read(E register);

    /**
     * @param value bits of the lanes that were written; zero in the other lanes
     * @param lanes all ones in every byte that was written
     */
    void write(E register, int value, int lanes);
}
