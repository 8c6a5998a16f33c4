package devices.pc.handover;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Everything in a device, down to its last field: what a state that forgets something does not bring back. */
final class Fields {
    private final Map<String, Object> values = new TreeMap<>();
    private final Set<Object> visited = Collections.newSetFromMap(new IdentityHashMap<>());

    private Fields() {}

    /** Primitives by their path from the device. Fields that are transient are no state; only objects of this bundle are looked into. */
    static Map<String, Object> of(Object device) {
        Fields fields = new Fields();
        fields.visit("", device);
        return fields.values;
    }

    private void visit(String path, Object value) {
        if (value == null) return;
        if (value instanceof Number || value instanceof Boolean || value instanceof Enum<?>) values.put(path, value);
        else if (visited.add(value)) look(path, value);
    }

    private void look(String path, Object value) {
        if (value.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(value); i++) visit(path + "[" + i + "]", Array.get(value, i));
        } else if (value instanceof Collection<?> collection) {
            int i = 0;
            for (Object element : collection) visit(path + "[" + i++ + "]", element);
        } else if (value instanceof Map<?, ?> map) {
            map.forEach((key, element) -> visit(path + "[" + key + "]", element));
        } else if (value.getClass().getName().startsWith("devices.pc.") && !value.getClass().isHidden() && !value.getClass().getName().contains("TestMachine")) {
            for (Class<?> type = value.getClass(); type != Object.class; type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) if ((field.getModifiers() & (Modifier.STATIC | Modifier.TRANSIENT)) == 0) visit(path + "." + field.getName(), read(field, value));
            }
        }
    }

    private static Object read(Field field, Object owner) {
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
