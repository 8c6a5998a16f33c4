/**
 * How a guest starts. {@link firmware.bios.PcBios} is the service; {@link firmware.bios.LinuxLoader},
 * {@link firmware.bios.MultibootLoader} and {@link firmware.bios.RomLoader} are the three ways to a first instruction;
 * {@link firmware.bios.ChipsetSetup} leaves the board as a BIOS does; the tables that a guest reads are in
 * {@code firmware.bios.tables}.
 *
 * <p>Sources: [BOOT] The Linux/x86 Boot Protocol (Documentation/x86/boot.rst) and its zero-page annex; [MB] Multiboot
 * Specification 0.6.96; [ELF] System V ABI, Intel386 supplement; [ACPI] ACPI Specification 3.0; [MP] Intel MultiProcessor
 * Specification 1.4; [SMBIOS] System Management BIOS Reference 2.4; [PIR] PCI IRQ Routing
 * Table Specification 1.0; [PCI] PCI Local Bus Specification 2.1; [PIIX4] Intel 82371AB datasheet; [8259A] and [8254]
 * Intel datasheets; [RTC] MC146818 datasheet; [SDM] Intel 64 and IA-32 Architectures Software Developer's Manual.
 */
package firmware.bios;
