package vmkernel.api.handover;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Named primitives, written and read by the same lines, so that both directions cannot drift apart:
 *
 * <pre>{@code
 * void exchange(StateRecord state) {
 *     mask = state.exchange("mask", mask);
 *     timer.exchange(state.child("timer"));
 * }
 * }</pre>
 *
 * While saving, {@code exchange} notes the value and returns it; while loading it returns the value that was noted under the
 * name, or the one it is given if there is none (the state is of an older version). Not thread-safe.
 */
public final class StateRecord {
    private static final int LONG = 1, BYTES = 2, LONGS = 3, TEXT = 4;

    private final boolean loading;
    private final String prefix;
    private final Map<String, Object> values;
    private final Set<String> used;

    private StateRecord(boolean loading, String prefix, Map<String, Object> values, Set<String> used) {
        this.loading = loading;
        this.prefix = prefix;
        this.values = values;
        this.used = used;
    }

    /** Takes values. */
    public static StateRecord saving() { return new StateRecord(false, "", new TreeMap<>(), new HashSet<>()); }

    /**
     * Gives the values of a state.
     *
     * @param newest the version that the caller writes
     * @throws IllegalArgumentException in one line, if it is another schema's, newer, or damaged
     */
    public static StateRecord loading(SavedState state, String schema, int newest) {
        if (!state.schema().equals(schema)) throw new IllegalArgumentException("state of \"" + state.schema() + "\" cannot be given to \"" + schema + "\"");
        if (state.version() > newest) throw new IllegalArgumentException("state of " + schema + " has version " + state.version() + "; this is version " + newest);
        return new StateRecord(true, "", decode(state), new HashSet<>());
    }

    /** The state, in the order of names, so that equal states are equal bytes. */
    public SavedState saved(String schema, int version) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(values.size());
            for (Map.Entry<String, Object> entry : values.entrySet()) {
                out.writeUTF(entry.getKey());
                encode(out, entry.getValue());
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return new SavedState(schema, version, bytes.toByteArray());
    }

    private static void encode(DataOutputStream out, Object value) throws IOException {
        if (value instanceof Long number) {
            out.writeByte(LONG);
            out.writeLong(number);
        } else if (value instanceof byte[] array) {
            out.writeByte(BYTES);
            out.writeInt(array.length);
            out.write(array);
        } else if (value instanceof long[] array) {
            out.writeByte(LONGS);
            out.writeInt(array.length);
            for (long number : array) out.writeLong(number);
        } else {
            byte[] text = ((String) value).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            out.writeByte(TEXT);
            out.writeInt(text.length);
            out.write(text);
        }
    }

    private static Map<String, Object> decode(SavedState state) {
        Map<String, Object> values = new TreeMap<>();
        if (state.empty()) return values;
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(state.data()))) {
            for (int left = in.readInt(); left > 0; left--) values.put(in.readUTF(), decode(in));
        } catch (IOException e) {
            throw new IllegalArgumentException("state of " + state.schema() + " is damaged");
        }
        return values;
    }

    private static Object decode(DataInputStream in) throws IOException {
        int type = in.readByte();
        if (type == LONG) return in.readLong();
        int length = in.readInt();
        if (length < 0 || length > in.available()) throw new IOException("length");
        switch (type) {
            case BYTES: return in.readNBytes(length);
            case TEXT: return new String(in.readNBytes(length), java.nio.charset.StandardCharsets.UTF_8);
            case LONGS:
                if (length > in.available() / 8) throw new IOException("length");
                long[] numbers = new long[length];
                for (int i = 0; i < length; i++) numbers[i] = in.readLong();
                return numbers;
            default: throw new IOException("type");
        }
    }

    /** True while values are given, false while they are taken. */
    public boolean loading() { return loading; }

    /** The values of a part, under its name. */
    public StateRecord child(String name) { return new StateRecord(loading, prefix + name + ".", values, used); }

    public long exchange(String name, long value) { return loading ? (long) given(name, Long.class, value) : noted(name, value); }

    public int exchange(String name, int value) { return (int) exchange(name, (long) value); }

    public boolean exchange(String name, boolean value) { return exchange(name, value ? 1L : 0L) != 0; }

    public String exchange(String name, String value) { return loading ? given(name, String.class, value) : noted(name, value); }

    /** Takes a copy of the array, or gives a new one. */
    public byte[] exchange(String name, byte[] value) { return loading ? given(name, byte[].class, value) : noted(name, value.clone()); }

    /** Takes a copy of the array, or gives a new one. */
    public long[] exchange(String name, long[] value) { return loading ? given(name, long[].class, value) : noted(name, value.clone()); }

    /** The same for an array whose length is fixed: fills it. @throws IllegalArgumentException if the noted one has another length */
    public void fill(String name, byte[] value) {
        byte[] given = exchange(name, value);
        if (given.length != value.length) throw new IllegalArgumentException(prefix + name + ": " + given.length + " bytes instead of " + value.length);
        System.arraycopy(given, 0, value, 0, value.length);
    }

    /** The same for an array of numbers. */
    public void fill(String name, int[] value) {
        long[] given = exchange(name, java.util.Arrays.stream(value).asLongStream().toArray());
        if (given.length != value.length) throw new IllegalArgumentException(prefix + name + ": " + given.length + " numbers instead of " + value.length);
        for (int i = 0; i < value.length; i++) value[i] = (int) given[i];
    }

    /** The same for an array of numbers. */
    public void fill(String name, long[] value) {
        long[] given = exchange(name, value);
        if (given.length != value.length) throw new IllegalArgumentException(prefix + name + ": " + given.length + " numbers instead of " + value.length);
        System.arraycopy(given, 0, value, 0, value.length);
    }

    private <T> T noted(String name, T value) {
        if (!used.add(prefix + name)) throw new IllegalStateException("two values are named " + prefix + name);
        values.put(prefix + name, value);
        return value;
    }

    private <T> T given(String name, Class<T> type, T otherwise) {
        Object value = values.get(prefix + name);
        if (value == null) return otherwise;
        if (!type.isInstance(value)) throw new IllegalArgumentException(prefix + name + " is not of the expected type");
        return type.cast(value);
    }
}
