package vmkernel.api.vm;

/** How to stop or reset [SAPI VM_POWEROP_MODE]. */
public enum PowerMode {
    /** At once, like pulling the plug. */
    HARD,
    /** Ask the guest; fails if the guest cannot be asked. */
    SOFT,
    /** Ask the guest, and pull the plug if it cannot be asked. */
    TRYSOFT
}
