package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;

/** Answers VMware's backdoor ports 0x5658 and 0x5659, which read and write guest registers. Under the VM's device lock. */
@ConsumerType
public interface BackdoorHandler {
    /** @param registers EAX, EBX, ECX, EDX, ESI, EDI, EBP in this order; changed in place; @return false if not meant for us */
    boolean call(int port, int[] registers);
}
