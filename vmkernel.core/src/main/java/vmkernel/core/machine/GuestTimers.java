package vmkernel.core.machine;

import java.util.Arrays;
import java.util.function.BiConsumer;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;

/**
 * Guest time of one running VM and the timers on it. The heap is guarded by the VM's device lock; re-arming touches nothing
 * else, except that a deadline earlier than the alarm moves the alarm.
 */
final class GuestTimers implements GuestClock {
    /** So many callbacks in a row, then the others have their turn: a guest may ask for ticks faster than they can be made. */
    private static final int BURST = 64;
    private static final long PAUSE = 200_000;

    private final DeviceLock lock;
    private final AlarmClock.Alarm alarm;
    private static final long RUNS = -1;

    /** {@link System#nanoTime} at guest time 0; moves on with each {@link #start}. */
    private volatile long origin = System.nanoTime();
    /** Guest time at which it stands, or {@link #RUNS}. */
    private volatile long standing = RUNS;
    /** Binary heap by deadline; a timer knows its place. */
    private Timer[] heap = new Timer[16];
    private int size;
    private boolean firing;

    GuestTimers(DeviceLock lock, AlarmClock clock) {
        this.lock = lock;
        alarm = clock.alarm(lock::ring);
    }

    @Override
    public long nanos() {
        while (true) {
            long start = origin;
            long stood = standing;
            if (stood != RUNS) return stood;
            long now = System.nanoTime() - start;
            if (start == origin) return now; // else it has been stopped and started in between
        }
    }

    /** Guest time stands still from now on, and no timer fires. Under the device lock. */
    void stop() {
        if (standing == RUNS) standing = nanos();
    }

    /** Guest time goes on where it was stopped. Under the device lock. */
    void start() {
        if (standing == RUNS) return;
        origin = System.nanoTime() - standing;
        standing = RUNS;
        lock.ringOnLeave();
    }

    @Override
    public long wallMillis() { return System.currentTimeMillis(); }

    /** @param broken told what a callback threw */
    Timer timer(Runnable callback, BiConsumer<String, Throwable> broken) { return new Timer(callback, broken); }

    /** Disarms all for good. Under the device lock. */
    void close() {
        alarm.close();
        for (int i = 0; i < size; i++) heap[i].place = -1;
        Arrays.fill(heap, null);
        size = 0;
    }

    /** Runs what is due, or so much of it that the others have their turn. Under the device lock. */
    void fire() {
        if (standing != RUNS) return;
        firing = true;
        try {
            fireDue();
        } finally {
            firing = false;
        }
    }

    private void fireDue() {
        for (int fired = 0; size > 0; fired++) {
            Timer first = heap[0];
            long now = nanos();
            if (first.deadline > now) {
                alarm.by(origin + first.deadline);
                return;
            }
            if (fired == BURST) {
                alarm.by(origin + now + PAUSE);
                return;
            }
            first.remove();
            try {
                first.callback.run();
            } catch (Throwable e) {
                first.broken.accept("a timer", e);
            }
        }
    }

    final class Timer implements GuestTimer {
        private final Runnable callback;
        private final BiConsumer<String, Throwable> broken;
        private long deadline;
        private int place = -1;
        private boolean closed;

        private Timer(Runnable callback, BiConsumer<String, Throwable> broken) {
            this.callback = callback;
            this.broken = broken;
        }

        @Override
        public void at(long guestNanos) {
            lock.enter();
            try {
                if (closed) return;
                deadline = guestNanos;
                if (place < 0) add();
                else if (!up(place)) down(place);
                if (place != 0) return;
                // in the past: as soon as this thread is out, else by the clock
                if (firing || standing != RUNS) return; // looked at there, or at the start
                if (guestNanos <= nanos()) lock.ringOnLeave(); else alarm.by(origin + guestNanos);
            } finally {
                lock.leave();
            }
        }

        @Override
        public void cancel() {
            lock.enter();
            try {
                if (place >= 0) remove();
            } finally {
                lock.leave();
            }
        }

        @Override public long deadline() { return place < 0 ? DISARMED : deadline; }

        /** Its device is gone. */
        void close() {
            cancel();
            closed = true;
        }

        private void add() {
            if (size == heap.length) heap = Arrays.copyOf(heap, 2 * size);
            put(this, size++);
            up(place);
        }

        private void remove() {
            int hole = place;
            place = -1;
            Timer last = heap[--size];
            heap[size] = null;
            if (last == this) return;
            put(last, hole);
            if (!up(hole)) down(hole);
        }
    }

    private void put(Timer timer, int place) {
        heap[place] = timer;
        timer.place = place;
    }

    private boolean up(int place) {
        Timer timer = heap[place];
        int at = place;
        while (at > 0) {
            Timer parent = heap[(at - 1) / 2];
            if (parent.deadline <= timer.deadline) break;
            put(parent, at);
            at = (at - 1) / 2;
        }
        put(timer, at);
        return at != place;
    }

    private void down(int place) {
        Timer timer = heap[place];
        int at = place;
        while (2 * at + 1 < size) {
            int child = 2 * at + 1;
            if (child + 1 < size && heap[child + 1].deadline < heap[child].deadline) child++;
            if (timer.deadline <= heap[child].deadline) break;
            put(heap[child], at);
            at = child;
        }
        put(timer, at);
    }
}
