/** Virtual disks in files: their formats, and disks that are open. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.disk;
