/** Volumes in image files and partitions, opened without the kernel. */
package vmfs.impl.image;
