/** Virtual devices and everything that one may touch. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.device;
