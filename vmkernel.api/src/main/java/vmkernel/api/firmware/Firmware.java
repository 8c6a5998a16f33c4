package vmkernel.api.firmware;

import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.monitor.CpuState;

/** Brings a machine to the point where its guest takes over: a service, chosen by what the configuration boots. */
@ConsumerType
public interface Firmware {
    /**
     * Fills memory and gives the state of the first CPU. Called at power-on and again at every reset of the machine, with all
     * devices in reset state and no vCPU running.
     *
     * @throws BootException with one line for the user: which file, what is wrong
     */
    CpuState boot(BootContext context) throws BootException;
}
