package vmkernel.api.files.tools;

import java.io.EOFException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.CancellationException;

/** Says in one line what went wrong. */
public final class Problems {
    private Problems() {}

    /** Our own exceptions tell all themselves; of the JDK's the type is often all there is. */
    public static String oneLine(Throwable e) {
        String text = e instanceof FileSystemException file ? file(file) : e.getMessage();
        if (e instanceof CancellationException || e instanceof ClosedByInterruptException) return "interrupted";
        if (text == null || text.isEmpty()) return e.getClass().getSimpleName();
        return (e instanceof EOFException || e instanceof CharacterCodingException ? e.getClass().getSimpleName() + ": " + text : text).lines().findFirst().orElse("");
    }

    private static String file(FileSystemException e) {
        if (e.getReason() != null || e.getFile() == null) return e.getMessage();
        String reason = e instanceof NoSuchFileException ? "no such file or directory" : e instanceof FileAlreadyExistsException ? "is there already" : e instanceof NotDirectoryException ? "is no folder"
            : e instanceof DirectoryNotEmptyException ? "is not empty" : e instanceof AccessDeniedException ? "permission denied" : e instanceof FileSystemLoopException ? "its symbolic links lead in a circle" : "cannot be used";
        return e.getMessage() + ": " + reason;
    }
}
