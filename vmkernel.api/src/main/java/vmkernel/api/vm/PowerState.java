package vmkernel.api.vm;

/** Execution state of a virtual machine [SAPI VM_EXECUTION_STATE]. */
public enum PowerState {
    ON, OFF, SUSPENDED,
    /** It does not stop, or it is stunned: part of it is being replaced, or waited for. It can be powered off. */
    STUCK
}
