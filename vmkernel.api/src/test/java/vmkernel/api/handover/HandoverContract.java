package vmkernel.api.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * What everybody promises who hands live state over. A provider extends it and says how its thing is made, used and compared.
 */
public abstract class HandoverContract {
    /** A thing at work, on a world of its own that outlives it: hardware for a driver, a machine for a virtual device. */
    protected interface Subject {
        /** Stops it, as the kernel does before it saves. Idempotent. */
        void quiesce() throws Exception;

        SavedState save();

        /** Takes it away and puts its successor on the same world. The result replaces this. */
        Subject successor(Optional<SavedState> state) throws Exception;

        /** Uses it as its users would, with choices of the generator. */
        void use(Random random) throws Exception;

        /** Proves that it works: throws or fails if not. */
        void verify() throws Exception;

        void close() throws Exception;
    }

    /** A new one, cold. */
    protected abstract Subject create() throws Exception;

    /** Resource names, relative to the test class, of states that older versions saved: each must still load. */
    protected List<String> goldenStates() { return List.of(); }

    /** The golden file as a state; the first line of such a file is {@code schema version}. */
    protected final SavedState golden(String name) {
        try (InputStream in = getClass().getResourceAsStream(name)) {
            if (in == null) throw new IllegalStateException(name + ": no such golden state");
            byte[] all = in.readAllBytes();
            int line = 0;
            while (all[line] != '\n') line++;
            String[] head = new String(all, 0, line, java.nio.charset.StandardCharsets.US_ASCII).split(" ");
            return new SavedState(head[0], Integer.parseInt(head[1]), java.util.Arrays.copyOfRange(all, line + 1, all.length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    final void quiescingTwiceIsQuiescingOnce() throws Exception {
        Subject subject = create();
        subject.use(new Random(1));
        subject.quiesce();
        SavedState once = subject.save();
        subject.quiesce();
        assertEquals(once, subject.save());
        subject.close();
    }

    @Test
    final void savingChangesNothing() throws Exception {
        Subject subject = create();
        subject.use(new Random(2));
        subject.quiesce();
        assertEquals(subject.save(), subject.save());
        subject = subject.successor(Optional.of(subject.save()));
        subject.verify();
        subject.close();
    }

    @Test
    final void aSuccessorSavesWhatItWasGiven() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            Subject subject = create();
            Random random = new Random(seed);
            for (int i = random.nextInt(20); i >= 0; i--) subject.use(random);
            subject.quiesce();
            SavedState state = subject.save();
            Subject next = subject.successor(Optional.of(state));
            next.quiesce();
            assertEquals(state, next.save(), "seed " + seed);
            next.close();
        }
    }

    @Test
    final void aSuccessorWorksAtAnyPoint() throws Exception {
        Subject subject = create();
        Random random = new Random(3);
        for (int i = 0; i < 30; i++) {
            for (int n = random.nextInt(5); n > 0; n--) subject.use(random);
            subject.quiesce();
            subject = subject.successor(Optional.of(subject.save()));
            subject.verify();
        }
        subject.close();
    }

    @Test
    final void aSuccessorWithoutStateWorks() throws Exception {
        Subject subject = create();
        subject.use(new Random(4));
        subject.quiesce();
        subject = subject.successor(Optional.empty());
        subject.verify();
        subject.close();
    }

    @Test
    final void aStateOfANewerVersionIsRefused() throws Exception {
        Subject subject = create();
        subject.quiesce();
        SavedState state = subject.save();
        if (state.version() == 0) {
            assertTrue(state.empty(), "version 0 says that there is no state");
            subject.close();
            return;
        }
        SavedState newer = new SavedState(state.schema(), state.version() + 1, state.data());
        Exception refusal = assertThrows(Exception.class, () -> subject.successor(Optional.of(newer)));
        assertTrue(refusal.getMessage() != null && !refusal.getMessage().contains("\n"), "one line: " + refusal);
    }

    @Test
    final void everyGoldenStateStillLoads(TestInfo test) throws Exception {
        for (String name : goldenStates()) {
            Subject subject = create();
            subject.quiesce();
            Subject next = subject.successor(Optional.of(golden(name)));
            next.quiesce();
            assertFalse(next.save().empty(), name);
            next.close();
        }
    }
}
