package vmfs.impl.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AddressTest {
    private static final Generation V5 = Generation.VMFS5, V6 = Generation.VMFS6;

    @Test
    void theDescriptorsOfSystemFilesHaveTheAddressesOfTheirPlaces() {
        assertEquals(Address.ROOT, Address.descriptor(0, 0));
        assertEquals(0x00400004, Address.descriptor(0, 1));
        assertEquals(0x01c00004, Address.descriptor(0, 7));
        assertEquals(0xFFFF, Address.cluster(V5, Address.descriptor(0xFFFF, 1023) & 0xFFFFFFFFL));
        assertEquals(1023, Address.item(V5, Address.descriptor(0xFFFF, 1023) & 0xFFFFFFFFL));
    }

    @Test
    void aSubBlockOfADenseClusterHasItsItemInTwoPlaces() {
        for (int item = 0; item < 64; item++) {
            long address = Address.subBlock(499, item) & 0xFFFFFFFFL;
            assertEquals(Address.SUB_BLOCK, Address.type(address));
            assertEquals(499, Address.cluster(V5, address));
            assertEquals(item, Address.item(V5, address));
            assertFalse(Address.copyOnWrite(address));
        }
        assertEquals(0x3000005A, Address.subBlock(1, 0x33));
    }

    @Test
    void fileBlocksCountTo64TebibytesAndKeepTheirMarks() {
        long last = (1 << 26) - 1;
        assertEquals(last, Address.block(V5, Address.fileBlock(last) & 0xFFFFFFFFL));
        assertTrue(Address.toBeZeroed(V5, Address.fileBlock(5) | 0x20));
        assertTrue(Address.copyOnWrite(Address.fileBlock(5) | 0x10));
        assertEquals(5, Address.block(V5, Address.fileBlock(5) | 0x30));
    }

    @Test
    void pointerBlocksHaveClusterAndItem() {
        long address = Address.pointerBlock(4031, 15) & 0xFFFFFFFFL;
        assertEquals(4031, Address.cluster(V5, address));
        assertEquals(15, Address.item(V5, address));
        assertEquals(Address.POINTER_BLOCK_2, Address.type(Address.pointerBlock2(1, 1)));
    }

    @Test
    void vmfs6HasSixtyFourBits() {
        assertEquals(8, Address.block(V6, 0x0040000000000001L));
        assertEquals(512 + 10, Address.block(V6, 0x0050000000008001L));
        assertEquals(1, Address.item(V6, 0x0100000000000002L));
        assertEquals(0, Address.cluster(V6, 0x0100000000000002L));
        assertTrue(Address.toBeZeroed(V6, 0x0040000000000081L));
        assertEquals(3 * 512, Address.block(V6, 3L << 15 | Address.LARGE_FILE_BLOCK));
    }
}
