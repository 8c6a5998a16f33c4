/** Who has a volume, and who has which of its files: heartbeats and locks, on all hosts. */
package vmfs.impl.lock;
