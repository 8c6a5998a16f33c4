/** Benchmarks of disks and networks of the host, each beside what the machine below gives without us. */
package bench.io;
