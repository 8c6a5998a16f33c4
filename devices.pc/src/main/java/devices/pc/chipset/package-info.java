/** 440BX, PIIX4 and what is soldered to them: PCI, power management, resets, the board that wires the chips. */
package devices.pc.chipset;
