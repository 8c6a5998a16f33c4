package monitor.x86.mmu;

/**
 * An exception of the guest on its way to the point where it is delivered. One preallocated object for each CPU, without a
 * stack trace: it is thrown before the faulting instruction has changed any state. Source: [SDM] 3A 6.15.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    public static final int DE = 0, DB = 1, NMI = 2, BP = 3, OF = 4, BR = 5, UD = 6, NM = 7, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13,
        PF = 14, MF = 16, AC = 17, MC = 18, XM = 19;
    /** Not an exception: the instruction waits for an external interrupt and is then executed again. */
    public static final int FREEZE = -1;
    private static final int WITH_ERROR_CODE = 1 << DF | 1 << TS | 1 << NP | 1 << SS | 1 << GP | 1 << PF | 1 << AC;
    private static final int CONTRIBUTORY = 1 << DE | 1 << TS | 1 << NP | 1 << SS | 1 << GP;

    private int vector;
    private int errorCode;

    public GuestFault() { super(null, null, false, false); }

    /** Fills in and returns this object, to be thrown. */
    public GuestFault of(int vector, int errorCode) {
        this.vector = vector;
        this.errorCode = errorCode;
        return this;
    }

    public int vector() { return vector; }

    public int errorCode() { return errorCode; }

    public static boolean hasErrorCode(int vector) { return vector >= 0 && vector < 32 && (WITH_ERROR_CODE >>> vector & 1) != 0; }

    /** Contributory exceptions make a double fault of each other, [SDM] 3A table 6-4. */
    public static boolean contributory(int vector) { return vector < 32 && (CONTRIBUTORY >>> vector & 1) != 0; }

    @Override
    public String getMessage() { return "guest exception " + vector + ", error code 0x" + Integer.toHexString(errorCode); }
}
