/** Volumes of files, and files that stay open while the code of their file system is replaced. */
package vmkernel.core.files;
