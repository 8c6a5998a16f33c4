/** Volumes of files on the kernel's block devices: what a file system is to the kernel, and what the kernel makes of it for all others. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.files;
