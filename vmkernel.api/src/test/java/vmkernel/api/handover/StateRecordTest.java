package vmkernel.api.handover;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class StateRecordTest {
    private static final class Chip {
        int number = -7;
        long big = Long.MIN_VALUE;
        boolean on = true;
        String text = "räder";
        byte[] bytes = {1, -2, 3};
        final int[] registers = {0, -1, 5};

        void exchange(StateRecord state) {
            number = state.exchange("number", number);
            big = state.exchange("big", big);
            StateRecord inner = state.child("inner");
            on = inner.exchange("on", on);
            text = inner.exchange("number", text);
            bytes = state.exchange("bytes", bytes);
            state.fill("registers", registers);
        }
    }

    private static SavedState save(Chip chip) {
        StateRecord record = StateRecord.saving();
        chip.exchange(record);
        return record.saved("chip", 2);
    }

    @Test
    void everythingComesBackAndSavesTheSameBytes() {
        SavedState state = save(new Chip());
        Chip other = new Chip();
        other.number = 0;
        other.big = 0;
        other.on = false;
        other.text = "";
        other.bytes = new byte[0];
        Arrays.fill(other.registers, 9);
        other.exchange(StateRecord.loading(state, "chip", 2));
        assertEquals(state, save(other));
        assertEquals("räder", other.text);
        assertArrayEquals(new int[] {0, -1, 5}, other.registers);
    }

    @Test
    void whatAnOlderVersionDidNotKnowStaysAsItIs() {
        StateRecord old = StateRecord.saving();
        old.exchange("number", 3);
        Chip chip = new Chip();
        chip.exchange(StateRecord.loading(old.saved("chip", 1), "chip", 2));
        assertEquals(3, chip.number);
        assertTrue(chip.on);
    }

    @Test
    void otherSchemasNewerVersionsAndDamageAreRefused() {
        SavedState state = save(new Chip());
        assertThrows(IllegalArgumentException.class, () -> StateRecord.loading(state, "pit", 2));
        assertThrows(IllegalArgumentException.class, () -> StateRecord.loading(state, "chip", 1));
        for (int length = 1; length < state.data().length; length++) {
            SavedState cut = new SavedState("chip", 2, Arrays.copyOf(state.data(), length));
            assertThrows(IllegalArgumentException.class, () -> StateRecord.loading(cut, "chip", 2), "cut at " + length);
        }
    }

    @Test
    void aNameIsUsedOnce() {
        StateRecord record = StateRecord.saving();
        record.exchange("a", 1);
        assertThrows(IllegalStateException.class, () -> record.exchange("a", 2));
    }
}
