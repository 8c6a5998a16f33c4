package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.Test;

/** Holds the manifests of our shipped jars against the dependency table of ARCHITECTURE.md. */
public class DependencyTableIT {
    private record Row(List<String> exports, List<String> imports) {}

    @Test
    public void everyBundleOfOursHasARowAndEveryRowABundle() throws IOException {
        assertEquals(table().keySet(), manifests().keySet());
    }

    @Test
    public void noBundleImportsWhatTheTableDoesNotAllow() throws IOException {
        Map<String, Row> table = table();
        List<String> wrong = new ArrayList<>();
        manifests().forEach((bundle, manifest) -> packages(manifest, "Import-Package").stream()
            .filter(name -> !name.startsWith("java.") && !covers(table.get(bundle).imports, name))
            .forEach(name -> wrong.add(bundle + " imports " + name)));
        assertEquals(List.of(), wrong);
    }

    @Test
    public void noBundleExportsWhatTheTableDoesNotAllow() throws IOException {
        Map<String, Row> table = table();
        List<String> wrong = new ArrayList<>();
        manifests().forEach((bundle, manifest) -> packages(manifest, "Export-Package").stream()
            .filter(name -> !covers(table.get(bundle).exports, name))
            .forEach(name -> wrong.add(bundle + " exports " + name)));
        assertEquals(List.of(), wrong);
    }

    @Test
    public void onlyTheApiExports() throws IOException {
        table().forEach((bundle, row) -> assertEquals(bundle, bundle.equals("vmkernel.api"), !row.exports.isEmpty()));
        assertTrue(!packages(manifests().get("vmkernel.api"), "Export-Package").isEmpty());
    }

    @Test
    public void noBundleRequiresAnotherBundleOrImportsDynamically() throws IOException {
        manifests().forEach((bundle, manifest) -> {
            assertEquals(bundle, null, manifest.getValue("Require-Bundle"));
            assertEquals(bundle, null, manifest.getValue("DynamicImport-Package"));
        });
    }

    /** Rows of the table whose header is "bundle | exports | may import". */
    private static Map<String, Row> table() throws IOException {
        Map<String, Row> rows = new TreeMap<>();
        boolean inside = false;
        for (String line : Files.readAllLines(Vmk.ROOT.resolve("ARCHITECTURE.md"))) {
            if (line.startsWith("| bundle | exports | may import |")) inside = true;
            else if (!line.startsWith("|")) inside = false;
            else if (inside && !line.startsWith("|---")) {
                String[] cells = line.split("\\|", -1);
                rows.put(words(cells[1]).get(0), new Row(words(cells[2]), words(cells[3])));
            }
        }
        return rows;
    }

    private static List<String> words(String cell) {
        return Arrays.stream(cell.replace("`", "").trim().split("\\s+")).filter(word -> !word.isEmpty()).toList();
    }

    /** Manifests of the shipped bundles that are built here, by symbolic name. */
    private static Map<String, Attributes> manifests() throws IOException {
        Map<String, Attributes> manifests = new TreeMap<>();
        try (Stream<Path> jars = Files.list(Vmk.BUNDLES)) {
            for (Path path : (Iterable<Path>) jars.filter(path -> path.toString().endsWith(".jar"))::iterator) {
                try (JarFile jar = new JarFile(path.toFile())) {
                    Attributes manifest = jar.getManifest().getMainAttributes();
                    if ("vmk".equals(manifest.getValue("Bundle-Vendor"))) manifests.put(manifest.getValue("Bundle-SymbolicName"), manifest);
                }
            }
        }
        return manifests;
    }

    private static List<String> packages(Attributes manifest, String header) {
        String value = manifest.getValue(header);
        if (value == null) return List.of();
        // without quoted text, commas part only clauses; bnd writes one package for each
        return Arrays.stream(value.replaceAll("\"[^\"]*\"", "").split(",")).map(clause -> clause.split(";")[0].trim()).toList();
    }

    private static boolean covers(List<String> patterns, String name) {
        return patterns.stream().anyMatch(pattern -> pattern.endsWith(".*")
            ? name.equals(pattern.substring(0, pattern.length() - 2)) || name.startsWith(pattern.substring(0, pattern.length() - 1)) : name.equals(pattern));
    }
}
