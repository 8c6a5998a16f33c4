/** SCSI: two host adapters, the bus behind them, and the disks on it. */
package devices.pc.scsi;
