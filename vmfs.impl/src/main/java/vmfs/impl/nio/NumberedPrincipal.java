package vmfs.impl.nio;

import java.io.IOException;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;

/** A user or a group: a volume knows their numbers only. */
record NumberedPrincipal(int number) implements GroupPrincipal {
    static final UserPrincipalLookupService LOOKUP = new UserPrincipalLookupService() {
        @Override public UserPrincipal lookupPrincipalByName(String name) throws IOException { return lookupPrincipalByGroupName(name); }

        @Override
        public GroupPrincipal lookupPrincipalByGroupName(String name) throws IOException {
            try {
                return new NumberedPrincipal(Integer.parseUnsignedInt(name));
            } catch (NumberFormatException e) {
                throw new UserPrincipalNotFoundException(name);
            }
        }
    };

    /** @throws IOException if it is another file system's, with a name that is no number */
    static int number(UserPrincipal principal) throws IOException {
        return principal instanceof NumberedPrincipal own ? own.number : ((NumberedPrincipal) LOOKUP.lookupPrincipalByName(principal.getName())).number;
    }

    @Override public String getName() { return Integer.toUnsignedString(number); }

    @Override public String toString() { return getName(); }
}
