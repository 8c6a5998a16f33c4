package vmfs.impl.nio;

import java.nio.file.LinkOption;
import java.util.Arrays;

/** Whether a symbolic link at the end of a path is followed. */
final class Links {
    private Links() {}

    static boolean followed(LinkOption... options) { return !Arrays.asList(options).contains(LinkOption.NOFOLLOW_LINKS); }
}
