package console.services;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says in one line why the framework does not take a bundle. */
final class BundleProblems {
    /** Felix's resolver: the requirement, then all requirements once more. */
    private static final Pattern MISSING = Pattern.compile("missing requirement \\[.*?\\] ([\\w.]+; .*?)(?: \\[caused by:.*)?(?: Unresolved requirements: .*)?$");

    private BundleProblems() {}

    static String oneLine(Throwable e) {
        String text = (e.getMessage() == null ? e.toString() : e.getMessage()).lines().findFirst().orElse("").strip();
        Matcher missing = MISSING.matcher(text);
        if (missing.find()) return "it needs " + missing.group(1) + ", which is not there";
        return e.getCause() == null || e.getCause() == e ? text : text + ": " + e.getCause().toString().lines().findFirst().orElse("");
    }
}
