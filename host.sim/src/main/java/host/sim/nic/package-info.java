/** The Intel 8255x network adapter. */
package host.sim.nic;
