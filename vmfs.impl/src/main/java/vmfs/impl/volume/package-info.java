/** A VMFS volume: its devices, its metadata, its files. */
package vmfs.impl.volume;
