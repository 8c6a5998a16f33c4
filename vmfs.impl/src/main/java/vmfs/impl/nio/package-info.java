/** Volumes as Java's tools see them: a {@code java.nio.file} file system over any {@link vmkernel.api.files.Volume}. */
package vmfs.impl.nio;
