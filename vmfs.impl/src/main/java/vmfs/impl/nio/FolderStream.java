package vmfs.impl.nio;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import vmkernel.api.files.FileStatus;

/** What is in a folder, but for the file system's own files: whoever copies or deletes a tree has no use for those. Each is found by its name all the same. */
final class FolderStream implements DirectoryStream<Path> {
    private final Iterator<VmfsPath> entries;
    private final Filter<? super Path> filter;
    private boolean given;
    private volatile boolean closed;

    FolderStream(VmfsPath folder, List<FileStatus> entries, Filter<? super Path> filter) {
        this.entries = entries.stream().filter(entry -> entry.type() != FileStatus.Type.SYSTEM).map(entry -> folder.resolve(folder.getFileSystem().getPath(entry.name()))).iterator();
        this.filter = filter;
    }

    @Override
    public Iterator<Path> iterator() {
        if (given || closed) throw new IllegalStateException(closed ? "the stream is closed" : "the stream has been iterated over");
        given = true;
        return new Iterator<>() {
            private Path next;

            @Override
            public boolean hasNext() {
                while (next == null && !closed && entries.hasNext()) next = accepted(entries.next());
                return next != null;
            }

            @Override
            public Path next() {
                if (!hasNext()) throw new NoSuchElementException();
                Path found = next;
                next = null;
                return found;
            }
        };
    }

    private Path accepted(Path path) {
        try {
            return filter.accept(path) ? path : null;
        } catch (IOException e) {
            throw new DirectoryIteratorException(e);
        }
    }

    @Override public void close() { closed = true; }
}
