/* What every bare-metal guest here builds on: types, port I/O, COM1, the trap frame, paging, PIC and PIT. */
#ifndef GUEST_H
#define GUEST_H
#include <stdarg.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define ARENA_BYTES (48u << 20)
/* Scratch memory of ARENA_BYTES; the contents are undefined when a workload starts. */
extern u8 *const arena;

/* The stack after a stub of boot.asm, lowest address first. esp and ss are there only on a change of privilege. */
struct frame {
    u32 gs, fs, es, ds;
    u32 edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax;
    u32 vector, error;
    u32 eip, cs, eflags, esp, ss;
};
typedef void (*trap_handler)(struct frame *);

struct multiboot_info {
    u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
    u32 syms[4];
    u32 mmap_length, mmap_addr;
};

static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0,%1" :: "a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { __asm__ volatile("outw %0,%1" :: "a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("outl %0,%1" :: "a"(v), "Nd"(port)); }
static inline u8 inb(u16 port) { u8 v; __asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 inw(u16 port) { u16 v; __asm__ volatile("inw %1,%0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 inl(u16 port) { u32 v; __asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(port)); return v; }
static inline void sti(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void cli(void) { __asm__ volatile("cli" ::: "memory"); }
static inline u32 read_cr0(void) { u32 v; __asm__ volatile("movl %%cr0,%0" : "=r"(v)); return v; }
static inline u32 read_cr2(void) { u32 v; __asm__ volatile("movl %%cr2,%0" : "=r"(v)); return v; }
static inline u32 read_cr3(void) { u32 v; __asm__ volatile("movl %%cr3,%0" : "=r"(v)); return v; }
static inline u32 read_cr4(void) { u32 v; __asm__ volatile("movl %%cr4,%0" : "=r"(v)); return v; }
static inline void write_cr0(u32 v) { __asm__ volatile("movl %0,%%cr0" :: "r"(v) : "memory"); }
static inline void write_cr3(u32 v) { __asm__ volatile("movl %0,%%cr3" :: "r"(v) : "memory"); }
static inline void write_cr4(u32 v) { __asm__ volatile("movl %0,%%cr4" :: "r"(v) : "memory"); }
static inline void invlpg(u32 va) { __asm__ volatile("invlpg (%0)" :: "r"(va) : "memory"); }

void *memcpy(void *to, const void *from, u32 bytes);
void *memset(void *to, int value, u32 bytes);
int strcmp(const char *a, const char *b);
void put_char(char c);
/* %s %c %d %u %x %08x (any width, zero padded) %%; to COM1 */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the guest: isa-debug-exit with this value, or S5 of the PIIX4 where that device is missing, else hlt for ever. */
void guest_exit(u32 value) __attribute__((noreturn));
#endif
