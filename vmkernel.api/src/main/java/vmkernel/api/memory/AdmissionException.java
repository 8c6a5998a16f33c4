package vmkernel.api.memory;

/** Resources that were asked for cannot be guaranteed. The message is one line for the user. */
public final class AdmissionException extends Exception {
    private static final long serialVersionUID = 1;

    public AdmissionException(String message) { super(message); }
}
