package vmkernel.core.machine;

/**
 * What is to happen to a running VM that it cannot do itself, since its virtual CPU has to stand still for it.
 *
 * @param kind the more important one wins when two meet
 * @param value of the debug exit
 * @param what that failed, or why; in one line
 * @param failure exception behind it, or null
 */
record PowerRequest(Kind kind, long value, String what, Throwable failure) {
    /** In order of importance. */
    enum Kind {
        RESET, SHUTDOWN, OFF, DEBUG_EXIT, BROKEN;

        /** The machine goes off. */
        boolean isEnd() { return compareTo(OFF) >= 0; }
    }

    static PowerRequest reset() { return new PowerRequest(Kind.RESET, -1, null, null); }

    /** A triple fault. */
    static PowerRequest shutdown() { return new PowerRequest(Kind.SHUTDOWN, -1, null, null); }

    static PowerRequest off() { return new PowerRequest(Kind.OFF, -1, "guest powered off", null); }

    static PowerRequest debugExit(long value) { return new PowerRequest(Kind.DEBUG_EXIT, value, "guest ended the run with debug exit value " + value, null); }

    static PowerRequest broken(String what, Throwable failure) { return new PowerRequest(Kind.BROKEN, -1, what, failure); }
}
