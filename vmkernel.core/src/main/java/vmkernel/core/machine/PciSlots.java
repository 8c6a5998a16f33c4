package vmkernel.core.machine;

import vmkernel.api.device.PciHandler;

/** PCI bus 0 of one VM: which device has which place. Under the device lock. */
final class PciSlots {
    private static final int SLOTS = 32, FUNCTIONS = 8;
    /** The first slot that adapters get, as VMware numbers them. */
    private static final int FIRST_CHOSEN = 16;

    private record Place(AttachedDevice owner, PciHandler handler) {}

    private final Place[] places = new Place[SLOTS * FUNCTIONS];

    /** @param slot -1 for the first free one; @return the slot; @throws IllegalStateException if it is taken, or none is free */
    int claim(AttachedDevice owner, int slot, int function, PciHandler handler) {
        int chosen = slot < 0 ? free() : slot;
        Place before = places[chosen * FUNCTIONS + function];
        if (before != null) throw new IllegalStateException("PCI slot " + chosen + "." + function + " belongs to " + before.owner().prefix());
        places[chosen * FUNCTIONS + function] = new Place(owner, handler);
        return chosen;
    }

    private int free() {
        for (int slot = FIRST_CHOSEN; slot < SLOTS; slot++) if (places[slot * FUNCTIONS] == null) return slot;
        throw new IllegalStateException("there is no free PCI slot");
    }

    PciHandler at(int slot, int function) {
        Place place = places[slot * FUNCTIONS + function];
        return place == null ? null : place.handler();
    }

    void release(AttachedDevice owner) {
        for (int i = 0; i < places.length; i++) if (places[i] != null && places[i].owner() == owner) places[i] = null;
    }
}
