package vmkernel.core.machine;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import vmkernel.api.device.PciHandler;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;

/**
 * PCI bus 0 of one VM: which device has which place. A slot that the kernel has chosen is the device's from then on, also when
 * it is away; {@code PREFIX.pciSlotNumber} of the configuration chooses instead. Under the device lock.
 */
final class PciSlots {
    private static final int SLOTS = 32, FUNCTIONS = 8;
    /** The first slot that adapters get, as VMware numbers them. */
    private static final int FIRST_CHOSEN = 16;

    private record Place(AttachedDevice owner, PciHandler handler) {}

    private final Place[] places = new Place[SLOTS * FUNCTIONS];
    /** Slots by prefix of the device; outlives the power cycle. */
    private final Map<String, Integer> chosen;

    PciSlots(Map<String, Integer> chosen) { this.chosen = chosen; }

    /** @param slot -1 for one that is chosen here; @return the slot; @throws IllegalStateException if it is taken, or none is free */
    int claim(AttachedDevice owner, int slot, int function, PciHandler handler) {
        if (slot >= SLOTS || function < 0 || function >= FUNCTIONS) throw new IllegalArgumentException("PCI slot " + slot + "." + function + ": out of range");
        int at = slot < 0 ? choose(owner) : slot;
        Place before = places[at * FUNCTIONS + function];
        if (before != null) throw new IllegalStateException("PCI slot " + at + "." + function + " belongs to " + before.owner().prefix());
        places[at * FUNCTIONS + function] = new Place(owner, handler);
        return at;
    }

    private int choose(AttachedDevice owner) {
        String prefix = owner.prefix().toLowerCase(Locale.ROOT);
        int slot = configured(owner.config(), owner.prefix());
        if (slot >= 0) return slot;
        slot = chosen.getOrDefault(prefix, -1);
        if (slot < 0 || occupied(slot)) slot = free(owner.config());
        chosen.put(prefix, slot);
        return slot;
    }

    /** The slot that the configuration gives a device, or -1. Numbers from 32 are on buses behind bridges, which this machine has not. */
    private static int configured(VmConfig config, String prefix) {
        try {
            int slot = config.number(prefix + ".pciSlotNumber", -1, -1, Integer.MAX_VALUE);
            return slot < SLOTS ? slot : -1;
        } catch (VmConfigException e) {
            throw new IllegalStateException(e.getMessage());
        }
    }

    private int free(VmConfig config) {
        Set<Integer> spokenFor = new HashSet<>(chosen.values());
        for (String key : config.keys()) {
            int dot = key.lastIndexOf('.');
            if (key.substring(dot + 1).equalsIgnoreCase("pciSlotNumber")) spokenFor.add(configured(config, key.substring(0, Math.max(0, dot))));
        }
        for (int slot = FIRST_CHOSEN; slot < SLOTS; slot++) if (!occupied(slot) && !spokenFor.contains(slot)) return slot;
        // those of devices that are away, too, before the guest goes without
        for (int slot = FIRST_CHOSEN; slot < SLOTS; slot++) if (!occupied(slot)) return slot;
        throw new IllegalStateException("there is no free PCI slot");
    }

    private boolean occupied(int slot) {
        for (int function = 0; function < FUNCTIONS; function++) if (places[slot * FUNCTIONS + function] != null) return true;
        return false;
    }

    PciHandler at(int slot, int function) {
        Place place = places[slot * FUNCTIONS + function];
        return place == null ? null : place.handler();
    }

    void release(AttachedDevice owner) {
        for (int i = 0; i < places.length; i++) if (places[i] != null && places[i].owner() == owner) places[i] = null;
    }
}
