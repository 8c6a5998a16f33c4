/** PS/2: keyboard controller, keyboard, mouse. */
package devices.pc.input;
