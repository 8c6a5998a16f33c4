/** What commands do with volumes of files, for whoever parses a command line: the service console, and the command that opens an image by itself. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package vmkernel.api.files.tools;
