/**
 * The tables of a PC that a guest reads: ACPI, MultiProcessor, PCI interrupt routing, system management. Bytes only: where they
 * go and who is told is the business of {@code firmware.bios}, where the sources are listed too.
 */
package firmware.bios.tables;
