package vmkernel.api.firmware;

/** The machine cannot start. The message is one line for the user that names the file and the fault. */
public final class BootException extends Exception {
    private static final long serialVersionUID = 1;

    public BootException(String message) { super(message); }

    public BootException(String message, Throwable cause) { super(message, cause); }
}
