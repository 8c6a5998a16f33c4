package vmkernel.api.monitor;

import org.osgi.annotation.versioning.ConsumerType;

/** Executes virtual CPUs: a service. */
@ConsumerType
public interface Monitor {
    /** Short name for {@code monitor = "..."} in a .vmx and for {@code --monitor}; such as {@code interp}. */
    String name();

    /** True if it can execute that CPU model faithfully. */
    boolean supports(CpuModel model);

    /** A virtual CPU that continues from {@code state}, which is copied. */
    Vcpu create(VcpuContext context, CpuState state);
}
