package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.handover.HandoverContract;
import vmkernel.api.handover.SavedState;

class VolumeHandoverTest extends HandoverContract {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();

    @Override
    protected Subject create() throws Exception {
        RamDisk disk = RamDisk.of(600L << 20);
        vmfs.format(disk, new FormatOptions("vmfs5", "test", 0), Progress.NONE);
        return new Mounted(disk, vmfs.mount(List.of(disk), Host.writer(), Optional.empty()), new TreeMap<>(), new TreeMap<>());
    }

    @Override protected List<String> goldenStates() { return List.of("volume-1.state"); }

    /** A volume whose open files are known by their content. */
    private final class Mounted implements Subject {
        private final RamDisk disk;
        private final MountedVolume volume;
        private final Map<String, VmFile> open;
        private final Map<String, byte[]> contents;

        Mounted(RamDisk disk, MountedVolume volume, Map<String, VmFile> open, Map<String, byte[]> contents) {
            this.disk = disk;
            this.volume = volume;
            this.open = open;
            this.contents = contents;
        }

        @Override public void quiesce() throws Exception { volume.quiesce(Duration.ofSeconds(10)); }
        @Override public SavedState save() { return volume.save(); }

        @Override
        public Subject successor(Optional<SavedState> state) throws Exception {
            volume.close();
            MountedVolume next = vmfs.mount(List.of(disk), Host.writer(), state);
            Map<String, VmFile> again = new TreeMap<>();
            if (state.isPresent()) for (Map.Entry<String, VmFile> file : open.entrySet()) again.put(file.getKey(), next.reopen(file.getValue().handle()));
            return new Mounted(disk, next, again, contents);
        }

        @Override
        public void use(Random random) throws Exception {
            for (int i = 0; i < 30; i++) {
                String path = "/file" + random.nextInt(6);
                VmFile file = open.get(path);
                if (file == null) {
                    file = contents.containsKey(path) ? volume.open(path, VmFile.Mode.WRITE) : volume.create(path, 0600);
                    open.put(path, file);
                    contents.putIfAbsent(path, new byte[0]);
                } else if (random.nextInt(5) == 0) {
                    file.close();
                    open.remove(path);
                } else {
                    write(path, file, random);
                }
            }
        }

        private void write(String path, VmFile file, Random random) throws IOException {
            byte[] part = new byte[random.nextInt(3000)];
            random.nextBytes(part);
            int at = random.nextInt(100_000);
            file.write(at, ByteBuffer.wrap(part));
            byte[] content = contents.get(path);
            if (part.length > 0 && content.length < at + part.length) content = Arrays.copyOf(content, at + part.length);
            System.arraycopy(part, 0, content, part.length == 0 ? 0 : at, part.length);
            contents.put(path, content);
        }

        @Override
        public void verify() throws Exception {
            for (Map.Entry<String, byte[]> file : contents.entrySet()) {
                try (VmFile reader = volume.open(file.getKey(), VmFile.Mode.READ)) {
                    byte[] content = new byte[(int) reader.length()];
                    reader.read(0, ByteBuffer.wrap(content));
                    assertArrayEquals(file.getValue(), content, file.getKey());
                }
            }
            for (String path : open.keySet()) assertThrows(FileLockedException.class, () -> volume.open(path, VmFile.Mode.SHARE));
        }

        @Override
        public void close() throws Exception {
            volume.close();
            assertEquals(List.of(), vmfs.check(List.of(disk), false, Progress.NONE).errors());
        }
    }
}
