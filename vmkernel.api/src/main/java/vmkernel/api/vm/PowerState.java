package vmkernel.api.vm;

/** Execution state of a virtual machine [SAPI VM_EXECUTION_STATE]. */
public enum PowerState {
    ON, OFF, SUSPENDED, STUCK
}
