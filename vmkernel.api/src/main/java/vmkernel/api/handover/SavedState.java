package vmkernel.api.handover;

/**
 * State of a plug-in as its successor gets it: named primitives in bytes, never objects, which would pin the dead class loader.
 * {@link StateRecord} writes and reads the bytes.
 *
 * @param schema whose state it is, such as {@code devices.pc/uart}; another schema is refused
 * @param version of the schema; a successor reads every older version, writes the current one and refuses newer ones
 */
public record SavedState(String schema, int version, byte[] data) {
    /** The plug-in has nothing to hand over: said aloud. */
    public static SavedState none(String schema) { return new SavedState(schema, 0, new byte[0]); }

    /** True if there is nothing in it. */
    public boolean empty() { return data.length == 0; }

    @Override
    public boolean equals(Object other) {
        return other instanceof SavedState state && schema.equals(state.schema) && version == state.version && java.util.Arrays.equals(data, state.data);
    }

    @Override public int hashCode() { return 31 * schema.hashCode() + java.util.Arrays.hashCode(data); }

    @Override public String toString() { return schema + " version " + version + ", " + data.length + " bytes"; }
}
