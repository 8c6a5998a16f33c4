/** From a device's line to the CPU: 8259 pair, IOAPIC, local APICs, and the wiring between them. */
package devices.pc.interrupt;
