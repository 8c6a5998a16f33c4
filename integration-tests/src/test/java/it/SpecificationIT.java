package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.Test;

/** Every promise of SPECIFICATION.md names a test that exists. */
public class SpecificationIT {
    private static final Pattern PROMISE = Pattern.compile("\\| ([0-9]+\\.[0-9]+) \\|.*\\|([^|]*)\\|");
    private static final Pattern TEST = Pattern.compile("`([A-Za-z0-9]+)(?:#([A-Za-z0-9]+))?`");

    @Test
    public void everyPromiseNamesATestThatExists() throws IOException {
        Map<String, Path> tests;
        try (Stream<Path> files = Files.walk(Vmk.ROOT)) {
            tests = files.filter(path -> path.toString().contains("/src/test/java/") && path.toString().endsWith(".java"))
                .collect(Collectors.toMap(path -> path.getFileName().toString().replace(".java", ""), path -> path, (a, b) -> a));
        }
        List<String> wrong = new ArrayList<>();
        int promises = 0;
        for (String line : Files.readAllLines(Vmk.ROOT.resolve("SPECIFICATION.md"))) {
            Matcher promise = PROMISE.matcher(line);
            if (!promise.matches()) continue;
            promises++;
            Matcher test = TEST.matcher(promise.group(2));
            int named = 0;
            for (; test.find(); named++) {
                Path source = tests.get(test.group(1));
                if (source == null || test.group(2) != null && !Files.readString(source).contains("void " + test.group(2) + "(")) wrong.add(promise.group(1) + " " + test.group());
            }
            if (named == 0) wrong.add(promise.group(1) + " names no test");
        }
        assertEquals(List.of(), wrong);
        assertTrue("promises are found", promises > 30);
    }
}
