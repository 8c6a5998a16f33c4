/** Makes volumes of VMFS-5 and VMFS-3. */
package vmfs.impl.mkfs;
