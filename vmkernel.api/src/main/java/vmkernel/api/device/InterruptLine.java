package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/** One interrupt input of the machine, as a device drives it. Called under the VM's device lock. */
@ProviderType
public interface InterruptLine {
    /** Drives the line; the controller sees edges and levels. */
    void set(boolean level);

    /** Takes up the level again after a hand-over without making an edge. */
    void restore(boolean level);
}
