package bench.io;

import static bench.io.Requests.DEPTH;
import static bench.io.Requests.ROUNDS;
import static bench.io.Requests.measure;
import static bench.io.Requests.median;
import static bench.io.Requests.place;
import static bench.io.Requests.ratio;
import static bench.io.Requests.together;

import bench.io.Requests.Rate;
import bench.io.Requests.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.Storage;

/** Virtual disks on VMFS beside the block device alone; many small files; the mount of a large volume. */
@Component(service = VmfsBench.class, property = {"osgi.command.scope=bench", "osgi.command.function=vmfsbench", "osgi.command.function=mountbench"})
public final class VmfsBench {
    private static final int SMALL_FILES = 10_000, SMALL_BYTES = 1000, PER_DIRECTORY = 10_000;

    private final Storage storage;
    private final Volumes volumes;

    @Activate
    public VmfsBench(@Reference Storage storage, @Reference Volumes volumes) {
        this.storage = storage;
        this.volumes = volumes;
    }

    /** @param on device that becomes a volume; @param raw device of the same kind, whose start is overwritten; @param megabytes of the virtual disk */
    public void vmfsbench(String on, String raw, int megabytes) throws Exception {
        BlockDevice beside = device("vmfsbench", raw);
        Volume volume = format("vmfsbench", on, "bench");
        VolumePath disk = new VolumePath(volume, "/flat.vmdk");
        DiskFormats formats = volumes.disks();
        long bytes = (long) megabytes << 20;
        formats.create(disk, DiskFormat.VMFS, bytes, Progress.NONE);
        System.out.printf("%d MiB; medians of %d rounds of 1 s; depth %d; processor time in us a request%n%n", megabytes, ROUNDS, DEPTH);
        System.out.println("| | flat disk on VMFS, req/s | block device alone, req/s | ratio | disk, CPU us | device, CPU us |");
        System.out.println("|---|---|---|---|---|---|");
        try (AutoCloseable claim = storage.claim(beside, "vmfsbench", true); DiskImage image = formats.open(DiskFormats.DiskFiles.PLAIN, disk, VmFile.Mode.WRITE)) {
            fill(beside, bytes);
            for (BlockOperation operation : List.of(BlockOperation.READ, BlockOperation.WRITE)) {
                compare("sequential, 4 KiB", image::submit, beside::submit, operation, 4096, false, bytes);
                compare("sequential, 64 KiB", image::submit, beside::submit, operation, 65536, false, bytes);
                compare("random, 4 KiB", image::submit, beside::submit, operation, 4096, true, bytes);
            }
        }
        System.out.println();
        for (int threads : new int[] {1, 8}) smallFiles(volume, threads);
    }

    private BlockDevice device(String command, String name) {
        return storage.find(name).orElseThrow(() -> new IllegalArgumentException(command + " " + name + ": there is no such device"));
    }

    private Volume format(String command, String name, String label) throws IOException {
        volumes.format(device(command, name), new FormatOptions("vmfs5", label, 0), Progress.NONE);
        return volumes.find(label).orElseThrow(() -> new IllegalStateException(name + " was formatted and is not mounted"));
    }

    private static void fill(BlockDevice device, long bytes) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect(1 << 20);
        for (long at = 0; at < bytes; at += chunk.capacity()) device.write(at / device.blockBytes(), chunk.clear());
    }

    private static void compare(String what, Target disk, Target device, BlockOperation operation, int size, boolean random, long bytes) throws InterruptedException {
        List<Rate> ours = new ArrayList<>(), others = new ArrayList<>();
        long blocks = bytes / size;
        for (int round = -1; round < ROUNDS; round++) { // the first warms
            Rate one = measure(end -> together(disk, operation, size, DEPTH, place(random, blocks), end));
            Rate other = measure(end -> together(device, operation, size, DEPTH, place(random, blocks), end));
            if (round < 0) continue;
            ours.add(one);
            others.add(other);
        }
        System.out.printf("| %s %s | %.0f | %.0f | %.2f | %.2f | %.2f |%n", what, operation.name().toLowerCase(Locale.ROOT), median(ours, Rate::perSecond), median(others, Rate::perSecond),
            ratio(ours, others), median(ours, Rate::cpuMicros), median(others, Rate::cpuMicros));
    }

    /** Each made, written and closed, so that it is on the disk, before the thread's next. */
    private static void smallFiles(Volume volume, int threads) throws Exception {
        String folder = "/small" + threads;
        volume.mkdir(folder, 0755);
        ExecutorService workers = Executors.newFixedThreadPool(threads);
        long start = System.nanoTime();
        List<Future<Void>> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int first = i;
            Callable<Void> work = () -> {
                for (int n = first; n < SMALL_FILES; n += threads) small(volume, folder + "/file" + n, SMALL_BYTES);
                return null;
            };
            running.add(workers.submit(work));
        }
        for (Future<Void> one : running) one.get();
        double seconds = (System.nanoTime() - start) / 1e9;
        workers.shutdown();
        System.out.printf("%d files of %d bytes by %d threads: %.0f a second%n", SMALL_FILES, SMALL_BYTES, threads, SMALL_FILES / seconds);
    }

    private static void small(Volume volume, String path, int bytes) throws IOException {
        try (VmFile file = volume.create(path, 0644)) {
            if (bytes > 0) file.write(0, ByteBuffer.allocate(bytes));
        }
    }

    /** @param on device that becomes a volume; @param files empty ones that are made in it */
    public void mountbench(String on, int files) throws Exception {
        Volume volume = format("mountbench", on, "large");
        for (int n = 0; n < files; n++) {
            String folder = "/folder" + n / PER_DIRECTORY;
            if (n % PER_DIRECTORY == 0) volume.mkdir(folder, 0755);
            small(volume, folder + "/file" + n, 0);
        }
        String size = String.format("%.1f TB", volume.space().bytes() / 1e12);
        volumes.unmount(volume);
        long before = heap(), start = System.nanoTime();
        volumes.rescan();
        while (volumes.find("large").isEmpty()) Thread.onSpinWait();
        double seconds = (System.nanoTime() - start) / 1e9;
        int found = volumes.find("large").get().list("/folder0").size();
        double listed = (System.nanoTime() - start) / 1e9;
        System.out.printf("volume of %s with %d files: mounted in %.3f s, the first %d files listed after %.3f s, %d MiB of heap more%n", size, files, seconds, found, listed, heap() - before >> 20);
    }

    private static long heap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
