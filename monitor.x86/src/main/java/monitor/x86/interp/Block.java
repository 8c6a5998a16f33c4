package monitor.x86.interp;

/** A run of decoded instructions that is entered at its start. It ends where control may go elsewhere, or at the end of its page. */
final class Block {
    /** Key of blocks whose code has changed: equal to none. */
    static final long DEAD = -1;
    /** Key of blocks from memory that cannot be watched: executed once. */
    static final long UNCACHED = -2;

    final Node[] nodes;
    /** How many of the nodes are instructions: all but one that only leads on. */
    final int instructions;
    /** Offset in the code segment, guest-physical address of the first byte, length in bytes. */
    final long ip, physical;
    final int length;
    /** Guest-physical address of the page that the last instruction reaches into, or -1. */
    final long secondPage;
    /** The mode it was decoded for: base, limit and size of the code segment, user or supervisor. */
    final long codeBase, codeLimit;
    final int codeBits;
    final boolean user, single;

    /** Under which translation and mode it was last found to be right; {@link #DEAD} for good when its code has changed. */
    long key;
    /** How many nodes may be executed: set to 0 when the code changes, so that a running block stops after the current one. */
    int live;
    /** Where it went last and before: blocks that follow. */
    Block next, other;

    Block(Node[] nodes, int instructions, long ip, long physical, int length, long secondPage, Mode mode) {
        this.nodes = nodes;
        this.instructions = instructions;
        this.ip = ip;
        this.physical = physical;
        this.length = length;
        this.secondPage = secondPage;
        codeBase = mode.codeBase;
        codeLimit = mode.codeLimit;
        codeBits = mode.codeBits;
        user = mode.user;
        single = mode.single;
        live = nodes.length;
    }

    void kill() {
        key = DEAD;
        live = 0;
        next = null;
        other = null;
    }

    boolean fits(long ip, Mode mode) {
        return this.ip == ip && codeBase == mode.codeBase && codeLimit == mode.codeLimit && codeBits == mode.codeBits
            && user == mode.user && single == mode.single;
    }

    /** True if it has bytes in this range. */
    boolean overlaps(long physical, int length) {
        long start = this.physical;
        if (secondPage < 0) return physical < start + this.length && start < physical + length;
        int first = 0x1000 - (int) (start & 0xFFF);
        return physical < start + first && start < physical + length
            || physical < secondPage + this.length - first && secondPage < physical + length;
    }

    /** What the decoding of code depends on besides its bytes. */
    static final class Mode {
        long codeBase, codeLimit;
        int codeBits;
        boolean user, single;
    }
}
