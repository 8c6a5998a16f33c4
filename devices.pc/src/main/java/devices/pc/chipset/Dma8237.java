package devices.pc.chipset;

import devices.pc.bus.ByteChip;
import vmkernel.api.handover.StateRecord;

/**
 * One 8237A DMA controller [8237A], as software sees it: all registers, no transfers, because no device of this board asks for
 * them. LIMIT: DREQ is never active and memory-to-memory does not run.
 */
final class Dma8237 implements ByteChip {
    private static final int COMMAND = 8, REQUEST = 9, MASK_BIT = 10, MODE = 11, CLEAR_FLIP_FLOP = 12, MASTER_CLEAR = 13, CLEAR_MASK = 14, MASK = 15;

    private final int[] address = new int[4], count = new int[4], baseAddress = new int[4], baseCount = new int[4], mode = new int[4];
    private int command, request, mask, status;
    private boolean high; // the flip-flop: which byte of a 16-bit register is next

    void reset() {
        command = request = status = 0;
        mask = 0xF;
        high = false;
    }

    void exchange(StateRecord state) {
        state.fill("address", address);
        state.fill("count", count);
        state.fill("baseAddress", baseAddress);
        state.fill("baseCount", baseCount);
        state.fill("mode", mode);
        command = state.exchange("command", command);
        request = state.exchange("request", request);
        mask = state.exchange("mask", mask);
        status = state.exchange("status", status);
        high = state.exchange("high", high);
    }

    @Override
    public int read(int offset) {
        return switch (offset) {
            case COMMAND -> readStatus();
            case REQUEST -> 0xF0 | request;
            case MODE -> 0xFF;
            case MASTER_CLEAR -> 0; // temporary register
            case MASK -> 0xF0 | mask;
            default -> offset < COMMAND ? half((offset & 1) == 0 ? address[offset >> 1] : count[offset >> 1]) : 0xFF;
        };
    }

    @Override
    public void write(int offset, int value) {
        int channel = value & 3, bit = 1 << channel;
        boolean on = (value & 4) != 0;
        switch (offset) {
            case COMMAND -> command = value;
            case REQUEST -> request = on ? request | bit : request & ~bit;
            case MASK_BIT -> mask = on ? mask | bit : mask & ~bit;
            case MODE -> mode[channel] = value;
            case CLEAR_FLIP_FLOP -> high = false;
            case MASTER_CLEAR -> reset();
            case CLEAR_MASK -> mask = 0;
            case MASK -> mask = value & 0xF;
            default -> writeChannel(offset >> 1, (offset & 1) == 0, value);
        }
    }

    private int readStatus() {
        int value = status | request << 4;
        status = 0;
        return value;
    }

    private int half(int register) {
        int value = high ? register >> 8 : register & 0xFF;
        high = !high;
        return value;
    }

    /** Base and current registers are written together. */
    private void writeChannel(int channel, boolean isAddress, int value) {
        int[] base = isAddress ? baseAddress : baseCount;
        base[channel] = high ? base[channel] & 0xFF | value << 8 : base[channel] & 0xFF00 | value;
        (isAddress ? address : count)[channel] = base[channel];
        high = !high;
    }
}
