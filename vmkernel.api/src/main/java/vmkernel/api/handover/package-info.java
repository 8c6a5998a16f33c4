/** Live state that passes from a part of the system to its successor while guests run. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.handover;
