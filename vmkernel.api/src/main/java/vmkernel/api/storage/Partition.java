package vmkernel.api.storage;

/**
 * An entry of a partition table.
 *
 * @param number from 1: 1 to 4 in an MBR, from 5 within its extended partition; place in the table of a GPT
 * @param first,blocks in blocks of the unit
 * @param type two hexadecimal digits of an MBR, {@code fb} for VMFS; or the GUID of a GPT
 */
public record Partition(int number, long first, long blocks, String type) {
    /** Whether its type is that of VMFS. */
    public boolean vmfs() { return type.equals("fb") || type.equals("aa31e02a-400f-11db-9590-000c2911d1b8"); }
}
