package vmkernel.api.net;

/** State of a link. @param megabits speed, 0 while it is down */
public record LinkState(boolean up, int megabits, boolean fullDuplex) {
    public static final LinkState DOWN = new LinkState(false, 0, false);

    @Override public String toString() { return up ? megabits + " Mbit/s " + (fullDuplex ? "full" : "half") + " duplex" : "down"; }
}
