/** The virtual devices of a PC, as the kernel asks for them by name. */
package devices.pc;
