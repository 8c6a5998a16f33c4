/** What a simulated network adapter's cable leads to. */
package host.sim.net;
