package vmfs.impl.check;

import vmfs.impl.format.Address;
import vmfs.impl.format.Generation;
import vmfs.impl.volume.Geometry;

/** Of all kinds of items. */
final class Usages {
    final Usage fileBlocks, descriptors, pointerBlocks, subBlocks, pointerBlocks2;
    private final Geometry geometry;

    Usages(Geometry geometry) {
        this.geometry = geometry;
        fileBlocks = new Usage(geometry.fileBlocks());
        descriptors = new Usage(geometry.descriptors());
        subBlocks = new Usage(geometry.subBlocks());
        pointerBlocks = geometry.pointerBlocks() == geometry.subBlocks() ? subBlocks : new Usage(geometry.pointerBlocks());
        pointerBlocks2 = geometry.pointerBlocks2() == null ? null : new Usage(geometry.pointerBlocks2());
    }

    /** @param address that points to something there is */
    Usage of(long address) {
        return switch (Address.type(address)) {
            case Address.DESCRIPTOR -> descriptors;
            case Address.SUB_BLOCK -> subBlocks;
            case Address.POINTER_BLOCK -> pointerBlocks;
            case Address.POINTER_BLOCK_2 -> pointerBlocks2;
            default -> fileBlocks;
        };
    }

    int index(long address) {
        Generation generation = geometry.generation();
        int type = Address.type(address);
        if (type == Address.FILE_BLOCK || type == Address.LARGE_FILE_BLOCK) return (int) Address.block(generation, address);
        return of(address).index(Address.cluster(generation, address), Address.item(generation, address));
    }
}
