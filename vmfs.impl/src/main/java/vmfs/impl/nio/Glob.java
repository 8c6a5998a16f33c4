package vmfs.impl.nio;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Patterns of {@link java.nio.file.FileSystem#getPathMatcher} as regular expressions. */
final class Glob {
    private final String glob;
    private final StringBuilder regex = new StringBuilder();
    private int at;
    private boolean group;

    private Glob(String glob) { this.glob = glob; }

    /** @throws PatternSyntaxException if it is none */
    static Pattern pattern(String glob) {
        Glob parser = new Glob(glob);
        while (parser.at < glob.length()) parser.next(glob.charAt(parser.at++));
        if (parser.group) throw parser.error("a brace is not closed");
        return Pattern.compile(parser.regex.toString(), Pattern.DOTALL);
    }

    private PatternSyntaxException error(String why) { return new PatternSyntaxException(why, glob, at - 1); }

    private void next(char c) {
        switch (c) {
            case '*' -> {
                boolean across = at < glob.length() && glob.charAt(at) == '*';
                if (across) at++;
                regex.append(across ? ".*" : "[^/]*");
            }
            case '?' -> regex.append("[^/]");
            case '[' -> set();
            case '{' -> {
                if (group) throw error("a brace within braces");
                group = true;
                regex.append("(?:(?:");
            }
            case '}' -> {
                regex.append(group ? "))" : "\\}");
                group = false;
            }
            case ',' -> regex.append(group ? ")|(?:" : ",");
            case '\\' -> {
                if (at == glob.length()) throw error("nothing to escape");
                literal(glob.charAt(at++));
            }
            default -> literal(c);
        }
    }

    private void literal(char c) {
        if ("\\^$.[]{}()*+?|&-~#".indexOf(c) >= 0) regex.append('\\');
        regex.append(c);
    }

    /** A set never matches a slash. */
    private void set() {
        regex.append("[[^/]&&[");
        if (at < glob.length() && glob.charAt(at) == '!') {
            regex.append('^');
            at++;
        }
        if (at < glob.length() && glob.charAt(at) == '-') literal(glob.charAt(at++));
        char last = 0;
        if (at < glob.length() && glob.charAt(at) == ']') throw error("nothing within brackets");
        while (true) {
            if (at == glob.length()) throw error("a bracket is not closed");
            char c = glob.charAt(at++);
            if (c == ']') break;
            if (c == '/') throw error("a slash within brackets");
            if (c == '-' && last != 0 && at < glob.length() && glob.charAt(at) != ']') {
                char end = glob.charAt(at++);
                if (end < last) throw error("a range that is upside down");
                regex.append('-');
                literal(end);
                last = 0;
            } else {
                literal(c);
                last = c;
            }
        }
        regex.append("]]");
    }
}
