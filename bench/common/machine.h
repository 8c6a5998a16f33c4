/* The machine below a guest: present only on bare metal, not in the native build of the workloads. */
#ifndef MACHINE_H
#define MACHINE_H
#include "guest.h"

#define COM1 0x3f8
#define PIC1 0x20
#define PIC2 0xa0
#define PIT 0x40
#define IRQ_BASE 0x20           /* vectors 0x20 to 0x2f */

#define PAGE_PRESENT 1u
#define PAGE_WRITE 2u
#define PAGE_USER 4u

struct descriptor { u32 low, high; } __attribute__((packed));
struct table_pointer { u16 limit; u32 base; } __attribute__((packed));
/* [SDM] 3A 7.2.1, figure 7-2. */
struct tss {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3;
    u32 eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
    u16 trap, iomap;
};

#define GDT_ENTRIES 64
extern struct descriptor gdt[GDT_ENTRIES];
extern struct descriptor idt[256];
extern struct tss main_tss;
extern trap_handler handlers[256];
extern const u32 stub_table[256];
extern u8 image_end[];

/* GDT, IDT and TSS as every guest here wants them: 8 code, 10 data, 1b user code, 23 user data, 28 TSS. */
void machine_init(void);
/* A segment descriptor: access is the byte with P, DPL, S and type; flags are G, D/B, L, AVL in the low four bits. */
struct descriptor segment(u32 base, u32 limit, u32 access, u32 flags);
struct descriptor gate(u32 selector, u32 offset, u32 access, u32 parameters);

/* Identity map of the first `megabytes` (a multiple of 4) with 4 KiB pages open to ring 3, and paging on. */
void paging_on(u32 megabytes);
extern u32 page_directory[1024];
/* The entry that maps va in the tables of paging_on or map_page; there must be a table. */
u32 *page_entry(u32 va);
/* A page table for va is taken from a small pool when there is none. */
void map_page(u32 va, u32 pa, u32 bits);

void pic_init(u16 mask);        /* vectors IRQ_BASE.., mask bit n closes line n */
void pic_eoi(u32 irq);
void pit_periodic(u32 hertz);   /* channel 0, mode 2 */
void enter_user(u32 eip, u32 esp);
void leave_user(void) __attribute__((noreturn));
void panic(const struct frame *f, const char *why) __attribute__((noreturn));

/* The guest's own code, called on the boot stack with tables loaded, interrupts and paging off. */
void guest_main(const char *command_line, const struct multiboot_info *info);
#endif
