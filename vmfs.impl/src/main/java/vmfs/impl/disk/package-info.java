/**
 * Virtual disks in files: the VMDK formats [VMDK], over volumes of any kind. A disk is a {@code Link}: a descriptor and extents, each a {@code Layer}
 * of blocks; what a sparse extent does not have is read from the layer below, the parent.
 */
package vmfs.impl.disk;
