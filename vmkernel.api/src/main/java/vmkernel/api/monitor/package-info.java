/** Virtual CPUs and the monitors that execute them. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.monitor;
