/** The simulated PCI buses: configuration space, windows, DMA, interrupt lines. */
package host.sim.bus;
