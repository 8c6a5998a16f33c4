package vmkernel.api.vm;

/** A configuration that cannot be used. The message is one line: file, line or key, what is wrong, what to do. */
public final class VmConfigException extends Exception {
    private static final long serialVersionUID = 1;

    public VmConfigException(String message) { super(message); }
}
