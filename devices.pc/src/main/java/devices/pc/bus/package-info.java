/** How registers meet a bus: byte-wide ISA chips, and register tables with byte lanes. */
package devices.pc.bus;
