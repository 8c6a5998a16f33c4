/** Serial ports, and the debug ports that emulators have. */
package devices.pc.serial;
