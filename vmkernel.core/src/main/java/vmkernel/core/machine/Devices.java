package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.handover.SavedState;
import vmkernel.api.vm.VmException;
import vmkernel.core.vmx.Hardware;

/**
 * The devices of a machine that is on. Each has a place, which stays when the code behind it is replaced: in between it has the
 * state that the old device saved and the new one is created with. Under the device lock, but for {@link #choose}.
 */
final class Devices {
    private static final Logger LOG = LoggerFactory.getLogger(Devices.class);

    private final PoweredMachine machine;
    private final Plugged<VirtualDeviceProvider> providers;
    private final List<Place> places = new ArrayList<>();

    private static final class Place {
        final Hardware.Device description;
        /** Null while there is no device in it. */
        AttachedDevice attached;
        /** What the last device saved, while there is none. */
        SavedState state;

        Place(Hardware.Device description) { this.description = description; }

        @Override public String toString() { return "device \"" + description.type() + "\" (" + description.prefix() + ")"; }
    }

    Devices(PoweredMachine machine, Plugged<VirtualDeviceProvider> providers, List<Hardware.Device> descriptions) {
        this.machine = machine;
        this.providers = providers;
        for (Hardware.Device description : descriptions) places.add(new Place(description));
    }

    // Power-on to power-off.

    /** Who is to make each of them. Waits a moment while there is nobody at all. @throws VmException in one line, if a type is not known */
    List<VirtualDeviceProvider> choose() throws VmException {
        List<VirtualDeviceProvider> chosen = new ArrayList<>();
        for (Place place : places) {
            Hardware.Device device = place.description;
            chosen.add(providers.find(provider -> provider.types().contains(device.type())).orElseThrow(() -> {
                if (providers.all().isEmpty()) return new VmException("there are no virtual devices (is bundle devices.pc active?)");
                return new VmException("unknown device \"" + device.type() + "\" (" + device.key() + "); known: " + String.join(", ", types()));
            }));
        }
        return chosen;
    }

    private Set<String> types() {
        Set<String> types = new TreeSet<>();
        for (VirtualDeviceProvider provider : providers.all()) types.addAll(provider.types());
        return types;
    }

    /** Makes all of them, in order. @throws VmException in one line; those made before are there then */
    void attach(List<VirtualDeviceProvider> chosen) throws VmException {
        for (int i = 0; i < places.size(); i++) {
            try {
                create(places.get(i), chosen.get(i));
            } catch (IllegalArgumentException | IllegalStateException e) {
                throw new VmException(places.get(i) + ": " + e.getMessage(), e);
            }
        }
    }

    private void create(Place place, VirtualDeviceProvider provider) {
        place.attached = new AttachedDevice(machine, place.description, provider);
        VirtualDevice device = provider.create(place.description.type(), place.attached, Optional.ofNullable(place.state));
        if (device == null) throw new IllegalStateException("the provider made no device");
        place.attached.device(device);
    }

    void reset() {
        for (Place place : places) {
            try {
                place.attached.device().reset();
            } catch (Throwable e) {
                place.attached.broken("at reset", e);
            }
        }
    }

    /** Asks the guest to shut down; false if no device can tell it. */
    boolean requestShutdown() {
        for (Place place : places) {
            try {
                if (place.attached != null && place.attached.device().requestShutdown()) return true;
            } catch (Throwable e) {
                place.attached.broken("asking the guest to shut down", e);
            }
        }
        return false;
    }

    void detach() {
        for (int i = places.size() - 1; i >= 0; i--) detach(places.get(i));
    }

    private static void detach(Place place) {
        if (place.attached != null) place.attached.detach();
        place.attached = null;
    }

    // Replacement.

    /** Those whose provider has gone are still there. */
    boolean orphaned() { return places.stream().anyMatch(this::orphaned); }

    private boolean orphaned(Place place) { return place.attached != null && !providers.has(place.attached.provider()); }

    /** Types that there is no device of now; empty if the machine has all it needs. */
    Set<String> missing() {
        Set<String> missing = new TreeSet<>();
        for (Place place : places) if (place.attached == null) missing.add(place.description.type());
        return missing;
    }

    /**
     * Takes the state of those whose provider has gone, and then themselves.
     *
     * @throws IllegalStateException in one line if one cannot be saved; all of them are there as before then
     */
    void save() {
        List<Place> going = places.stream().filter(this::orphaned).toList();
        for (Place place : going) place.state = saved(place);
        for (int i = going.size() - 1; i >= 0; i--) detach(going.get(i));
    }

    private static SavedState saved(Place place) {
        try {
            SavedState state = place.attached.device().save();
            if (state == null) throw new IllegalStateException("it saved nothing");
            return state;
        } catch (Throwable e) {
            throw new IllegalStateException(place + " cannot be saved: " + e, e);
        }
    }

    /**
     * Makes what is missing, with its state, where there are providers for all of it. What fails is told in the log, the provider
     * passed over, and whatever was made is gone again.
     */
    void restore() {
        Set<VirtualDeviceProvider> failed = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Place> empty = places.stream().filter(place -> place.attached == null).toList();
        for (List<VirtualDeviceProvider> chosen; (chosen = successors(empty, failed)) != null; ) {
            VirtualDeviceProvider culprit = restore(empty, chosen);
            if (culprit == null) return;
            failed.add(culprit);
        }
    }

    /** The best provider for each place, or null if there is none for one of them. */
    private List<VirtualDeviceProvider> successors(List<Place> empty, Set<VirtualDeviceProvider> failed) {
        List<VirtualDeviceProvider> chosen = new ArrayList<>();
        for (Place place : empty) {
            VirtualDeviceProvider successor = providers.all().stream()
                .filter(provider -> !failed.contains(provider) && provider.types().contains(place.description.type())).findFirst().orElse(null);
            if (successor == null) return null;
            chosen.add(successor);
        }
        return chosen;
    }

    /** @return null, or the provider that failed */
    private VirtualDeviceProvider restore(List<Place> empty, List<VirtualDeviceProvider> chosen) {
        for (int i = 0; i < empty.size(); i++) {
            Place place = empty.get(i);
            try {
                create(place, chosen.get(i));
            } catch (Throwable e) {
                LOG.error("{}: {} cannot be taken over: {}", machine.name(), place, reason(e));
                for (int made = i; made >= 0; made--) detach(empty.get(made));
                return chosen.get(i);
            }
        }
        for (Place place : empty) {
            place.state = null;
            place.attached.resume();
        }
        return null;
    }

    /** The kind of an exception only where it does not speak for itself. */
    private static String reason(Throwable e) {
        return e.getMessage() != null && (e instanceof IllegalArgumentException || e instanceof IllegalStateException) ? e.getMessage() : e.toString();
    }
}
