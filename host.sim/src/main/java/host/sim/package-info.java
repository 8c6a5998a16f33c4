/** The simulated server: its hardware file and what it is built of. */
package host.sim;
