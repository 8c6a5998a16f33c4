package vmkernel.api.files;

/**
 * How a volume is made.
 *
 * @param type such as {@code vmfs5} or {@code vmfs3}
 * @param label up to 127 bytes of UTF-8
 * @param blockBytes of a file block; 0 for the usual
 */
public record FormatOptions(String type, String label, int blockBytes) {}
