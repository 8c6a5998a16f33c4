/** Changes of metadata, all or nothing: transactions, their image in memory, and the redo log that makes them durable. */
package vmfs.impl.journal;
