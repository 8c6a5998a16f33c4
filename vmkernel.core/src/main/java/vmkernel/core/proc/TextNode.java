package vmkernel.core.proc;

import java.io.IOException;
import java.util.function.Supplier;
import vmkernel.api.proc.ProcNode;

/**
 * A node from a path and what gives its text.
 *
 * @param writer null for a read-only node
 */
record TextNode(String path, Supplier<String> text, Writer writer) implements ProcNode {
    /** Takes what was written, without blanks around it. */
    @FunctionalInterface
    interface Writer {
        void write(String text) throws IOException;
    }

    TextNode(String path, Supplier<String> text) { this(path, text, null); }

    @Override
    public String read() {
        String now = text.get();
        return now.endsWith("\n") || now.isEmpty() ? now : now + "\n";
    }

    @Override public boolean writable() { return writer != null; }

    @Override
    public void write(String written) throws IOException {
        if (writer == null) throw new IOException("/proc/vmware/" + path + ": read-only");
        writer.write(written.strip());
    }
}
