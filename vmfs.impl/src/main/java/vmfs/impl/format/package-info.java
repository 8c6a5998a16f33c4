/** What is on a VMFS volume, byte by byte: structures and addresses, without I/O and without policy. */
package vmfs.impl.format;
