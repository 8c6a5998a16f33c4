/** What the machine below gives: network interfaces, files without cache, the terminal. Services of {@code host.linux}. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.host;
