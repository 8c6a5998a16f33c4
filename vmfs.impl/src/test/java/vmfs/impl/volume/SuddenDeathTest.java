package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.Life;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.image.FileDevice;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

/** Four processes on one image, each of which is killed again and again. */
class SuddenDeathTest {
    private static final int HOSTS = 4, LIVES = 8;

    @TempDir
    Path folder;

    private final VmfsFileSystem vmfs = new VmfsFileSystem();

    /** What a host said that it has done: a number for the content of each path; and paths that nobody knows anything of, since it died. */
    private static final class Told {
        final Map<String, Integer> files = new TreeMap<>();
        final Set<String> unknown = new HashSet<>();
        private final Set<String> begun = new HashSet<>();
        int done, lives;

        /** @param line that is whole if it has its end */
        void line(String line) {
            if (!line.endsWith(" .")) return;
            String[] words = line.split(" ");
            if (words[0].equals("begin")) {
                begun.add(words[2]);
                if (words[1].equals("rename")) begun.add(words[3]);
                return;
            }
            done++;
            begun.clear();
            done(words[1], words[2], words[3]);
        }

        private void done(String what, String path, String other) {
            if (path.equals(other)) return;
            Integer before = files.remove(path);
            boolean known = !unknown.remove(path);
            if (what.equals("create")) files.put(path, Integer.parseInt(other));
            if (!what.equals("rename")) return;
            unknown.remove(other);
            files.remove(other);
            if (known) files.put(other, before); else unknown.add(other);
        }

        void died() {
            unknown.addAll(begun);
            files.keySet().removeAll(begun);
            begun.clear();
        }
    }

    @Test
    void nothingThatWasAcknowledgedIsLostAndNothingLeaks() throws Exception {
        Path image = folder.resolve("shared.img");
        RamDisk.of(400L << 20).save(image);
        try (FileDevice device = FileDevice.open(image, false)) {
            vmfs.format(device, new FormatOptions("vmfs5", "shared", 0), Progress.NONE);
            MountedVolume volume = vmfs.mount(List.of(device), Host.writer(99), Optional.empty());
            for (int host = 1; host <= HOSTS; host++) volume.mkdir("/host" + host, 0700);
            volume.close();
        }
        List<CompletableFuture<Told>> hosts = new ArrayList<>();
        for (int host = 1; host <= HOSTS; host++) {
            int number = host;
            hosts.add(CompletableFuture.supplyAsync(() -> live(image, number), task -> new Thread(task).start()));
        }
        List<Told> told = new ArrayList<>();
        for (CompletableFuture<Told> host : hosts) told.add(host.get());
        assertEquals(HOSTS * LIVES, told.stream().mapToInt(one -> one.lives).sum());
        try (FileDevice device = FileDevice.open(image, false)) {
            MountedVolume volume = vmfs.mount(List.of(device), Host.writer(99), Optional.empty());
            for (int host = 1; host <= HOSTS; host++) verify(volume, "/host" + host, told.get(host - 1));
            volume.close();
            assertEquals(List.of(), vmfs.check(List.of(device), false, Progress.NONE).errors());
        }
        VmfsTools.requireWhole(image);
    }

    private static void verify(MountedVolume volume, String folder, Told told) throws IOException {
        assertTrue(told.done > LIVES, folder + " did little: " + told.done);
        Set<String> there = new HashSet<>();
        volume.list(folder).forEach(file -> there.add(folder + "/" + file.name()));
        for (String path : told.files.keySet()) {
            assertTrue(there.contains(path), path + " is lost");
            try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
                byte[] content = new byte[(int) file.length()];
                file.read(0, ByteBuffer.wrap(content));
                assertArrayEquals(Life.content(told.files.get(path)), content, path);
            }
        }
        there.removeAll(told.files.keySet());
        there.removeAll(told.unknown);
        there.remove(folder + "/new");
        assertEquals(Set.of(), there, "was deleted");
    }

    private static Told live(Path image, int host) {
        Told told = new Told();
        Random random = new Random(host);
        try {
            for (int life = 0; life < LIVES; life++) live(image, host, random, told);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return told;
    }

    /** One life, which ends after some lines, wherever the process is then. */
    private static void live(Path image, int host, Random random, Told told) throws IOException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", System.getProperty("java.class.path"),
            Life.class.getName(), image.toString(), "" + host, "" + random.nextInt()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader lines = process.inputReader()) {
            assertEquals("mounted", lines.readLine(), "host " + host);
            told.lives++;
            int most = 5 + random.nextInt(60);
            for (int count = 0; count < most; count++) {
                String line = lines.readLine();
                assertTrue(line != null, "host " + host + " ended by itself");
                told.line(line);
            }
            process.toHandle().destroyForcibly(); // which leaves the pipe open
            for (String line; (line = lines.readLine()) != null; ) told.line(line);
            told.died();
        }
    }
}
