package vmkernel.api.vm;

/** An operation on a virtual machine that is not possible. The message is one line for the user. */
public final class VmException extends Exception {
    private static final long serialVersionUID = 1;

    public VmException(String message) { super(message); }

    public VmException(String message, Throwable cause) { super(message, cause); }
}
