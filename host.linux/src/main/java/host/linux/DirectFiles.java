package host.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;
import vmkernel.api.host.HostFiles;
import vmkernel.api.memory.HostMemory;

/**
 * Files and block devices past the page cache. Who writes one has it alone, and several may read one: an advisory lock (flock)
 * tells other processes that do the same; block devices that are mounted are refused for writing.
 */
final class DirectFiles implements HostFiles {
    private static final int TYPE = 0170000, REGULAR = 0100000, BLOCK_DEVICE = 0060000; // of a mode
    private static final int BLKSSZGET = 0x1268;
    private static final int PAGE = 4096;
    private static final Pattern LOCK = Pattern.compile("\\d+: FLOCK +\\w+ +\\w+ +(\\d+) +(\\p{XDigit}+):(\\p{XDigit}+):(\\d+) .*");

    /** Guarded by itself. */
    private final Set<DirectFile> open = new HashSet<>();

    @Override
    public HostFile open(Path path, boolean writing) throws IOException {
        Libc.load();
        Map<String, Object> stat = stat(path);
        int type = (int) stat.get("mode") & TYPE;
        if (type != REGULAR && type != BLOCK_DEVICE) throw new IOException(path + ": neither a file nor a block device");
        int fd = open(path, writing, type == BLOCK_DEVICE);
        try {
            lock(fd, path, writing, stat);
            int alignment = Libc.fcntl(fd, Libc.F_SETFL, Libc.O_DIRECT) < 0 ? 0 : alignment(fd, type == BLOCK_DEVICE);
            if (alignment == 0) Libc.fcntl(fd, Libc.F_SETFL, 0);
            DirectFile file = new DirectFile(path, fd, alignment, this::forget);
            synchronized (open) {
                open.add(file);
            }
            return file;
        } catch (IOException e) {
            Libc.close(fd);
            throw e;
        }
    }

    private static Map<String, Object> stat(Path path) throws IOException {
        try {
            return Files.readAttributes(path, "unix:mode,dev,ino");
        } catch (NoSuchFileException e) {
            throw new IOException(path + ": there is no such file", e);
        } catch (IOException e) {
            throw new IOException(path + ": " + e.getClass().getSimpleName() + ": may its folder be entered?", e);
        }
    }

    private static int open(Path path, boolean writing, boolean device) throws IOException {
        int flags = writing ? Libc.O_RDWR | (device ? Libc.O_EXCL : 0) : Libc.O_RDONLY;
        int fd = Libc.open(Libc.path(path.toString()), flags | Libc.O_CLOEXEC);
        if (fd >= 0) return fd;
        int errno = Libc.errno();
        throw new IOException(path + ": " + switch (errno) {
            case Libc.EACCES, Libc.EPERM ->
                "this process may not " + (writing ? "write" : "read") + " it: run as root, or give the user access (ls -l " + path + ")";
            case Libc.EROFS -> "its file system is read-only";
            case Libc.EBUSY -> "the device is in use: is it mounted, or part of a volume group?";
            default -> "cannot be opened: " + Libc.reason(errno);
        });
    }

    private static void lock(int fd, Path path, boolean writing, Map<String, Object> stat) throws IOException {
        if (Libc.flock(fd, (writing ? Libc.LOCK_EX : Libc.LOCK_SH) | Libc.LOCK_NB) == 0) return;
        int errno = Libc.errno();
        // a file system without locks is none to refuse to work on
        if (errno == Libc.EAGAIN) throw new IOException(path + ": in use by " + holder(stat));
        LoggerFactory.getLogger(DirectFiles.class).warn("{} cannot be locked ({}): nothing keeps another process from writing it", path, Libc.reason(errno));
    }

    /** Who has the lock, for people. */
    private static String holder(Map<String, Object> stat) {
        long device = (long) stat.get("dev"), inode = (long) stat.get("ino");
        long major = device >>> 8 & 0xFFF | device >>> 32 & 0xFFFFF000L, minor = device & 0xFF | device >>> 12 & 0xFFFFFF00L;
        try (Stream<String> locks = Files.lines(Path.of("/proc/locks"))) {
            return locks.map(LOCK::matcher).filter(Matcher::matches)
                .filter(lock -> Long.parseLong(lock.group(2), 16) == major && Long.parseLong(lock.group(3), 16) == minor)
                .filter(lock -> Long.parseLong(lock.group(4)) == inode)
                .map(lock -> process(lock.group(1))).findFirst().orElse("another process");
        } catch (IOException | java.io.UncheckedIOException e) {
            return "another process";
        }
    }

    private static String process(String pid) {
        if (pid.equals("" + Libc.getpid())) return "this process";
        try {
            return "process " + pid + " (" + Files.readString(Path.of("/proc", pid, "comm")).strip() + ")";
        } catch (IOException e) {
            return "process " + pid;
        }
    }

    /** What direct access has to be aligned to, in memory and in the file; 0 if there is no such access. */
    private static int alignment(int fd, boolean device) {
        long answer = HostMemory.allocate(Libc.STATX_BYTES);
        try {
            HostMemory.putInt(answer, 0);
            if (device) return Libc.ioctl(fd, BLKSSZGET, answer) == 0 ? HostMemory.getInt(answer) : PAGE;
            boolean told = Libc.statx(fd, new byte[1], Libc.AT_EMPTY_PATH, Libc.STATX_DIOALIGN, answer) == 0
                && (HostMemory.getInt(answer) & Libc.STATX_DIOALIGN) != 0;
            // kernels before 6.1 do not tell; a page is enough everywhere
            if (!told) return PAGE;
            int offset = HostMemory.getInt(answer + Libc.STATX_DIO_OFFSET_ALIGN);
            return offset == 0 ? 0 : Math.max(offset, HostMemory.getInt(answer + Libc.STATX_DIO_MEM_ALIGN));
        } finally {
            HostMemory.free(answer);
        }
    }

    private void forget(DirectFile file) {
        synchronized (open) {
            open.remove(file);
        }
    }

    void close() {
        Set<DirectFile> last;
        synchronized (open) {
            last = Set.copyOf(open);
        }
        last.forEach(DirectFile::close);
    }
}
