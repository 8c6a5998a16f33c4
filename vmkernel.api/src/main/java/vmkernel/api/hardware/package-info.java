/** The host's hardware, the drivers that serve it and the map that says which serves what. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.hardware;
