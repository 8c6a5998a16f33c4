package vmkernel.api.memory;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The physical memory of one virtual machine: physical page numbers (PPN) resolved to machine pages. A page is RAM, ROM or
 * absent; accesses to absent pages are the business of the VM's MMIO bus, not of this interface.
 *
 * <p>Any thread may call. Data races between a guest and a device behave as on hardware: each byte is old or new.
 * Values are little-endian and may cross pages.
 */
@ProviderType
public interface GuestMemory {
    int PAGE_SHIFT = 12;
    int PAGE_SIZE = 1 << PAGE_SHIFT;

    /** RAM given to the guest, in bytes. */
    long sizeBytes();

    /** First address above RAM below 4 GiB, in bytes (the top of low memory). */
    long lowMemoryTop();

    /**
     * Host address of the machine page behind a physical page, for reading; 0 where there is no RAM or ROM. Valid until
     * {@link PageListener#unmapped} reports the page; the caller registers a listener before it keeps one.
     */
    long readableAddress(long ppn);

    /**
     * The same for writing: 0 for absent pages, for ROM and for pages under {@link #watch}; marks the page dirty. A caller
     * that keeps the address keeps the page dirty until {@link PageListener#unmapped}.
     */
    long writableAddress(long ppn);

    /** True if the page is RAM or ROM. */
    default boolean present(long ppn) { return readableAddress(ppn) != 0; }

    /**
     * Reports writes to a page: while a page is watched, {@link #writableAddress} gives 0 for it (after
     * {@link PageListener#unmapped} told the holders of older addresses) and {@link #write} tells the listeners. Monitors
     * watch pages whose code they have decoded.
     */
    void watch(long ppn, boolean on);

    /** Reads {@code length} bytes; absent bytes read as 0xFF. */
    void read(long address, byte[] to, int offset, int length);

    /** Writes {@code length} bytes; bytes for ROM and absent pages are dropped. Watchers are told after the write. */
    void write(long address, byte[] from, int offset, int length);

    /** Reads 1, 2, 4 or 8 bytes, zero-extended. */
    long read(long address, int bytes);

    /** Writes 1, 2, 4 or 8 bytes. */
    void write(long address, int bytes, long value);

    /** Atomically replaces the aligned 4 or 8 bytes at {@code address}; false if they were not {@code expected} or are not RAM. */
    boolean compareAndSet(long address, int bytes, long expected, long value);

    /** Puts a read-only image at a page-aligned address, replacing what was there; the tail of the last page reads as 0xFF. */
    void mapRom(long address, byte[] image);

    /** Registers for changes; a listener is called under no lock of the guest memory, and must be quick. */
    void addListener(PageListener listener);

    void removeListener(PageListener listener);

    /** Told when addresses given out earlier stop being valid, and of writes to watched pages. Called on any thread. */
    interface PageListener {
        /** Forget every host address of this page before returning or before executing the next guest instruction. */
        void unmapped(long ppn);

        /** {@code length} bytes at {@code address} of a watched page were written by someone else than this listener's owner. */
        void written(long address, int length);
    }
}
