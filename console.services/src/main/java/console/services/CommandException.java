package console.services;

/** A command that cannot be done. The message is one line for the user: what, where, what to do. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CommandException(String message) { super(message, null, false, false); }

    /** The bare message, because that is what Gogo's shell shows of an exception. */
    @Override
    public String toString() { return getMessage(); }
}
