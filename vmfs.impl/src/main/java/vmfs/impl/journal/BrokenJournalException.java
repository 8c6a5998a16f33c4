package vmfs.impl.journal;

import java.io.IOException;

/** The journal's device failed in a way that leaves open what is committed: the volume is not written any more. */
public final class BrokenJournalException extends IOException {
    private static final long serialVersionUID = 1;

    BrokenJournalException(String why, Throwable cause) { super(why, cause); }
}
