package monitor.x86.interp;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import vmkernel.api.memory.GuestMemory;

/**
 * All decoded blocks by guest-physical address, and which bytes they were decoded from. Pages with code are watched, so that
 * {@link #written} hears of every change; it looks at 64-byte chunks first, because programs keep data beside their code.
 */
final class CodeCache {
    /** With more blocks than this everything is thrown away: code that is run again is soon decoded again. */
    private static final int MAX_BLOCKS = 200_000;

    /** Writes beside its code that a page bears at first before its code is given up. */
    private static final int PATIENCE = 64;

    private final GuestMemory memory;
    /** Pages that have been given up too early: how many writes they bear now. */
    private final Map<Long, Integer> patience = new HashMap<>();
    private final Map<Long, Page> pages = new HashMap<>();
    private int blocks;

    private static final class Page {
        /** Bit n: some block has bytes in the 64 bytes at 64 n. */
        long chunks;
        final Map<Integer, List<Block>> byOffset = new HashMap<>();
        /** Blocks whose last instruction reaches into this page. */
        final List<Block> spilled = new ArrayList<>();
        /** Writes beside the code since the page was first watched. */
        int misses;
    }

    CodeCache(GuestMemory memory) { this.memory = memory; }

    Block find(long physical, long ip, Block.Mode mode) {
        Page page = pages.get(physical >>> 12);
        if (page == null) return null;
        List<Block> list = page.byOffset.get((int) physical & 0xFFF);
        if (list == null) return null;
        for (Block b : list) {
            if (b.fits(ip, mode)) return b;
        }
        return null;
    }

    /** Starts to watch a page before it is decoded; false if it is not memory. */
    boolean prepare(long physical) {
        if (!memory.present(physical >>> 12)) return false;
        page(physical);
        return true;
    }

    void add(Block b) {
        if (++blocks > MAX_BLOCKS) clear();
        Page page = page(b.physical);
        page.byOffset.computeIfAbsent((int) b.physical & 0xFFF, k -> new ArrayList<>(1)).add(b);
        int first = b.secondPage < 0 ? b.length : 0x1000 - (int) (b.physical & 0xFFF);
        page.chunks |= chunks(b.physical, first);
        if (b.secondPage >= 0) {
            Page second = page(b.secondPage);
            second.spilled.add(b);
            second.chunks |= chunks(b.secondPage, b.length - first);
        }
    }

    private Page page(long physical) {
        return pages.computeIfAbsent(physical >>> 12, ppn -> {
            memory.watch(ppn, true);
            return new Page();
        });
    }

    private static long chunks(long physical, int length) {
        int first = (int) (physical & 0xFFF) >>> 6;
        int last = (int) Math.min(0xFFF, (physical & 0xFFF) + length - 1) >>> 6;
        return ~0L << first & ~0L >>> 63 - last;
    }

    /** Kills the blocks that were decoded from these bytes. The range may cross pages. */
    void written(long physical, int length) {
        while (length > 0) {
            int part = Math.min(length, 0x1000 - (int) (physical & 0xFFF));
            writtenInPage(physical, part);
            physical += part;
            length -= part;
        }
    }

    private void writtenInPage(long physical, int length) {
        Page page = pages.get(physical >>> 12);
        if (page == null) return;
        if ((page.chunks & chunks(physical, length)) == 0) {
            if (++page.misses >= patience.getOrDefault(physical >>> 12, PATIENCE)) giveUp(physical >>> 12);
            return;
        }
        List<Block> hit = new ArrayList<>();
        for (List<Block> list : page.byOffset.values()) {
            for (Block b : list) if (b.overlaps(physical, length)) hit.add(b);
        }
        for (Block b : page.spilled) if (b.overlaps(physical, length)) hit.add(b);
        hit.forEach(this::remove);
        if (!hit.isEmpty()) tidy(physical >>> 12);
    }

    /**
     * Throws the code of a page away that is mostly written: old code in memory that has long become data would make every
     * write to it slow. If the code is run again it is decoded again, and the page bears twice as many writes.
     */
    private void giveUp(long ppn) {
        Page page = pages.get(ppn);
        patience.merge(ppn, 2 * PATIENCE, (old, two) -> Math.min(2 * old, 1 << 20));
        List<Block> all = new ArrayList<>(page.spilled);
        page.byOffset.values().forEach(all::addAll);
        all.forEach(this::remove);
        tidy(ppn);
    }

    /** Takes out one block, which may be running. */
    void remove(Block b) {
        b.kill();
        blocks--;
        Page page = pages.get(b.physical >>> 12);
        if (page != null) {
            List<Block> list = page.byOffset.get((int) b.physical & 0xFFF);
            if (list != null && list.remove(b) && list.isEmpty()) page.byOffset.remove((int) b.physical & 0xFFF);
        }
        if (b.secondPage >= 0) {
            Page second = pages.get(b.secondPage >>> 12);
            if (second != null) second.spilled.remove(b);
        }
    }

    /** Computes the chunks of a page anew, and stops watching it when it has no code any more. */
    private void tidy(long ppn) {
        Page page = pages.get(ppn);
        page.chunks = 0;
        for (List<Block> list : page.byOffset.values()) {
            for (Block b : list) page.chunks |= chunks(b.physical, b.secondPage < 0 ? b.length : 0x1000 - (int) (b.physical & 0xFFF));
        }
        for (Block b : page.spilled) page.chunks |= chunks(b.secondPage, b.length - 0x1000 + (int) (b.physical & 0xFFF));
        if (page.byOffset.isEmpty() && page.spilled.isEmpty()) {
            pages.remove(ppn);
            memory.watch(ppn, false);
        }
    }

    private void clear() {
        for (Map.Entry<Long, Page> page : pages.entrySet()) {
            page.getValue().byOffset.values().forEach(list -> list.forEach(Block::kill));
            memory.watch(page.getKey(), false);
        }
        pages.clear();
        blocks = 1;
    }

    /** Forgets everything and stops watching. */
    void close() { clear(); }
}
