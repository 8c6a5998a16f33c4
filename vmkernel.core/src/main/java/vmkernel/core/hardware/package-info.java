/** The host's hardware as the kernel has it: what each device is called, which driver serves it, and the swap of drivers under load. */
package vmkernel.core.hardware;
