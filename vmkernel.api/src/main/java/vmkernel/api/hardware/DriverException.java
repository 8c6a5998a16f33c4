package vmkernel.api.hardware;

/** A driver cannot serve a device. The message is one line for the user. */
public final class DriverException extends Exception {
    private static final long serialVersionUID = 1;

    public DriverException(String message) { super(message); }

    public DriverException(String message, Throwable cause) { super(message, cause); }
}
