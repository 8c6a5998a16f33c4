package monitor.x86.isa;

/** Where the decoder takes code bytes from, one after the other. */
@FunctionalInterface
public interface ByteSource {

    /**
     * The next code byte, 0..255. May throw an unchecked exception of the caller's (a page fault, say); the decoder lets it
     * pass and can be used again. The decoder never asks for a sixteenth byte of one instruction.
     */
    int next();
}
