package console.services;

import java.io.IOException;
import java.io.InputStream;
import vmkernel.api.vm.Console;

/** Carries what a person or a file types to a serial port of a guest. */
final class Keyboard {
    /** Ctrl-], which leaves a console. */
    static final int ESCAPE = 0x1D;
    static final int CHUNK_BYTES = 4096;

    private Keyboard() {}

    /**
     * Sends everything that {@code keys} gives, until its end or until the escape key.
     *
     * @param escape false to pass Ctrl-] on like any other key
     * @return true if the escape key ended it
     */
    static boolean pump(InputStream keys, Console console, boolean escape) throws IOException, InterruptedException {
        byte[] chunk = new byte[CHUNK_BYTES];
        for (int length; (length = keys.read(chunk)) >= 0; ) {
            int end = escape ? indexOfEscape(chunk, length) : length;
            console.send(chunk, 0, end);
            if (end < length) return true;
        }
        return false;
    }

    /** Index of the first escape key, or {@code length}. */
    static int indexOfEscape(byte[] chunk, int length) {
        int index = 0;
        while (index < length && chunk[index] != ESCAPE) index++;
        return index;
    }
}
