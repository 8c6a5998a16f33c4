/**
 * A Smart Array controller: {@link host.sim.array.SmartArray} has the registers and queues of the board, {@link host.sim.array.Command}
 * is one command on its way, {@link host.sim.array.Controller} and {@link host.sim.array.LogicalVolume} say what commands mean,
 * {@link host.sim.array.VolumeFile} keeps the blocks.
 */
package host.sim.array;
