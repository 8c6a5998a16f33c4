package console.services;

/** Ends a script: thrown by {@code exit}. */
final class ExitException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    ExitException(int status) {
        super("exit " + status, null, false, false);
        this.status = status;
    }

    int status() { return status; }
}
