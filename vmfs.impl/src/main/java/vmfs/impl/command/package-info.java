/** The command {@code vmfs}: images of volumes without the host. */
package vmfs.impl.command;
