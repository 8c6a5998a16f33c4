/** Looks whether a volume is whole, and mends it when told. */
package vmfs.impl.check;
