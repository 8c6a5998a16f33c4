package vmkernel.api.files;

/** @param blockBytes of a file block; @param bytes of the whole; @param freeBytes left of it; @param files possible in all; @param freeFiles left of them */
public record VolumeSpace(int blockBytes, long bytes, long freeBytes, long files, long freeFiles) {}
