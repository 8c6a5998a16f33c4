package vmkernel.api.vm;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** The list of registered virtual machines (vm-list): a service. Any thread. */
@ProviderType
public interface VmRegistry {
    List<VirtualMachine> machines();

    /** By display name, by world id, or by path of the .vmx file. */
    Optional<VirtualMachine> find(String nameOrPath);

    /** Registers a .vmx file; kept over restarts. @throws VmException in one line (file, line, what); nothing is registered then */
    VirtualMachine register(Path vmx) throws VmException;

    /** A machine without a file, gone when it is unregistered or the host stops. */
    VirtualMachine register(VmConfig config) throws VmException;

    /** Only while off. */
    void unregister(VirtualMachine machine) throws VmException;
}
