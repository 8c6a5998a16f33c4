package vmkernel.core.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel's timer thread: rings one alarm for each running VM, whose {@link GuestTimers} keep the timers themselves. Setting
 * an alarm is two volatile accesses, and wakes the thread only if it would wake too late by itself.
 */
final class AlarmClock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AlarmClock.class);
    static final long NEVER = Long.MAX_VALUE;

    /** An alarm of one VM. */
    final class Alarm implements AutoCloseable {
        private final Runnable ring;
        private volatile long time = NEVER;

        private Alarm(Runnable ring) { this.ring = ring; }

        /** Rings at this {@link System#nanoTime}, or earlier if it is set so already. Any thread. */
        void by(long nanoTime) {
            if (nanoTime >= time) return;
            time = nanoTime;
            if (nanoTime < wakeUp) LockSupport.unpark(thread);
        }

        @Override
        public void close() {
            synchronized (AlarmClock.this) {
                alarms = Arrays.stream(alarms).filter(other -> other != this).toArray(Alarm[]::new);
            }
        }
    }

    /** Replaced as a whole: the timer thread takes no memory. */
    private volatile Alarm[] alarms = {};
    private final Thread thread = new Thread(this::run, "vmk-timer");
    /** When the thread looks at the alarms at the latest; in the past while it looks. */
    private volatile long wakeUp = Long.MIN_VALUE;
    private volatile boolean closed;

    AlarmClock() {
        thread.setDaemon(true);
        thread.setPriority(Thread.MAX_PRIORITY);
        thread.start();
    }

    /** @param ring called on the timer thread; must be quick */
    synchronized Alarm alarm(Runnable ring) {
        Alarm alarm = new Alarm(ring);
        alarms = Arrays.copyOf(alarms, alarms.length + 1);
        alarms[alarms.length - 1] = alarm;
        return alarm;
    }

    /**
     * Asks Linux to wake this thread within a microsecond instead of the usual 50 after its time [proc(5), timerslack_ns].
     * Elsewhere, or where it is not allowed, timers are a little later.
     */
    private static void sharpen() {
        try {
            Path self = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName();
            Files.writeString(Path.of("/proc").resolve(self).resolve("timerslack_ns"), "1000");
        } catch (IOException | RuntimeException e) {
            LOG.debug("timer slack stays as it is: {}", e.toString());
        }
    }

    private void run() {
        sharpen();
        while (!closed) {
            wakeUp = Long.MIN_VALUE;
            long next = ring();
            wakeUp = next;
            // an alarm set after it was looked at above, and before wakeUp was, woke nobody
            if (earliest() < next) continue;
            if (next == NEVER) LockSupport.park(this); else LockSupport.parkNanos(this, next - System.nanoTime());
        }
    }

    /** Rings what is due; the time of the next. */
    private long ring() {
        Alarm[] now = alarms;
        for (Alarm alarm : now) {
            if (alarm.time > System.nanoTime()) continue;
            alarm.time = NEVER;
            try {
                alarm.ring.run();
            } catch (Throwable e) {
                failed(e);
            }
        }
        return earliest();
    }

    private static void failed(Throwable e) {
        try {
            LOG.error("a timer failed", e);
        } catch (Throwable again) {
            // no memory for a message: the other VMs' timers are more important
        }
    }

    private long earliest() {
        long earliest = NEVER;
        Alarm[] now = alarms;
        for (Alarm alarm : now) earliest = Math.min(earliest, alarm.time);
        return earliest;
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
