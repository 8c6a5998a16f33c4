/** The machine below, through JNA. */
package host.linux;
