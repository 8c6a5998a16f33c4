/** Block devices: adapters below, the kernel's disks in the middle, virtual disks above. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.storage;
