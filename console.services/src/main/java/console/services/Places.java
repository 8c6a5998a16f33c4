package console.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.apache.felix.service.command.CommandSession;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;

/** What paths that a user gives stand for: files of volumes, or of the machine below from the session's folder. */
record Places(Volumes volumes) {
    /** As {@link Volumes#resolve} knows them. */
    private static final Pattern IN_VOLUME = Pattern.compile("/+vmfs/.*|\\[.*|[^/]+:.*");

    VolumePath of(CommandSession session, String path) throws IOException {
        Path host = session.currentDir().resolve(path);
        boolean inVolume = IN_VOLUME.matcher(path).matches() && !Files.exists(host);
        return volumes.resolve(inVolume ? path : host.normalize().toString());
    }

    /** For Java's own tools. */
    Path path(VolumePath place) throws IOException {
        return place.volume().type().equals("host") ? Path.of(place.path()) : volumes.fileSystem(place.volume()).getPath(place.path());
    }
}
