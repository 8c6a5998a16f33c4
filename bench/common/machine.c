/* Start-up of a bare-metal guest: COM1, descriptor tables, traps, paging, PIC, PIT, and the ways to end. */
#include "machine.h"

extern u8 trap_stack_top[];
void load_tables(const struct table_pointer *g, const struct table_pointer *i);

struct descriptor gdt[GDT_ENTRIES] __attribute__((aligned(16)));
struct descriptor idt[256] __attribute__((aligned(16)));
struct tss main_tss __attribute__((aligned(128)));
trap_handler handlers[256];
u32 page_directory[1024] __attribute__((aligned(4096)));

#define MAPPED_TABLES 64        /* at most 256 MiB of identity map */
#define POOL_TABLES 16
static u32 tables[MAPPED_TABLES + POOL_TABLES][1024] __attribute__((aligned(4096)));
static u32 tables_used;

u8 *const arena = (u8 *) 0x1000000;

/* [16550] LCR, LSR: 115200 8N1, FIFOs on, no interrupts. */
static void com1_init(void)
{
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 0x80);
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    outb(COM1 + 2, 7);
    outb(COM1 + 4, 3);
}

void guest_exit(u32 value)
{
    while (!(inb(COM1 + 5) & 0x40))     /* the last character has left */
        ;
    outl(0xf4, value);
    outw(0x604, 0x2000);                /* PIIX4 PM1a_CNT as firmware places it: S5 */
    for (;;)
        __asm__ volatile("cli; hlt");
}

struct descriptor segment(u32 base, u32 limit, u32 access, u32 flags)
{
    return (struct descriptor) {
        (limit & 0xffff) | base << 16,
        (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 | (base & 0xff000000)
    };
}

struct descriptor gate(u32 selector, u32 offset, u32 access, u32 parameters)
{
    return (struct descriptor) { (offset & 0xffff) | selector << 16, (offset & 0xffff0000) | access << 8 | parameters };
}

void machine_init(void)
{
    gdt[1] = segment(0, 0xfffff, 0x9b, 0xc);
    gdt[2] = segment(0, 0xfffff, 0x93, 0xc);
    gdt[3] = segment(0, 0xfffff, 0xfb, 0xc);
    gdt[4] = segment(0, 0xfffff, 0xf3, 0xc);
    gdt[5] = segment((u32) &main_tss, sizeof main_tss - 1, 0x89, 0);
    main_tss.ss0 = 0x10;
    main_tss.esp0 = (u32) trap_stack_top;
    main_tss.iomap = sizeof main_tss;
    for (u32 v = 0; v < 256; v++)
        idt[v] = gate(0x08, stub_table[v], 0x8e, 0);
    struct table_pointer g = { sizeof gdt - 1, (u32) gdt };
    struct table_pointer i = { sizeof idt - 1, (u32) idt };
    load_tables(&g, &i);
    __asm__ volatile("ltr %w0" :: "r"(0x28));
    __asm__ volatile("lldt %w0" :: "r"(0));
}

void panic(const struct frame *f, const char *why)
{
    print("\npanic: %s\n", why);
    if (f) {
        print("vector %02x error %08x cs:eip %04x:%08x eflags %08x cr2 %08x\n", f->vector, f->error, f->cs, f->eip, f->eflags, read_cr2());
        print("eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x\n", f->eax, f->ebx, f->ecx, f->edx, f->esi, f->edi, f->ebp);
    }
    guest_exit(1);
}

void trap(struct frame *f)
{
    trap_handler h = handlers[f->vector];
    if (!h)
        panic(f, "unexpected trap");
    h(f);
}

void paging_on(u32 megabytes)
{
    u32 count = megabytes / 4;
    if (count > MAPPED_TABLES)
        panic(0, "identity map too large");
    for (u32 t = 0; t < count; t++) {
        for (u32 p = 0; p < 1024; p++)
            tables[t][p] = (t << 22 | p << 12) | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
        page_directory[t] = (u32) tables[t] | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
    }
    tables_used = MAPPED_TABLES;
    write_cr3((u32) page_directory);
    write_cr0(read_cr0() | 0x80010000);         /* PG, WP */
}

u32 *page_entry(u32 va)
{
    return (u32 *) (page_directory[va >> 22] & ~0xfffu) + (va >> 12 & 1023);
}

void map_page(u32 va, u32 pa, u32 bits)
{
    if (!(page_directory[va >> 22] & PAGE_PRESENT)) {
        if (tables_used == MAPPED_TABLES + POOL_TABLES)
            panic(0, "out of page tables");
        page_directory[va >> 22] = (u32) tables[tables_used++] | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
    }
    *page_entry(va) = pa | bits;
}

/* [8259A] ICW1 to ICW4: cascade, edge, 8086 mode. */
void pic_init(u16 mask)
{
    outb(PIC1, 0x11);
    outb(PIC2, 0x11);
    outb(PIC1 + 1, IRQ_BASE);
    outb(PIC2 + 1, IRQ_BASE + 8);
    outb(PIC1 + 1, 4);
    outb(PIC2 + 1, 2);
    outb(PIC1 + 1, 1);
    outb(PIC2 + 1, 1);
    outb(PIC1 + 1, (u8) mask);
    outb(PIC2 + 1, (u8) (mask >> 8));
}

void pic_eoi(u32 irq)
{
    if (irq >= 8)
        outb(PIC2, 0x20);
    outb(PIC1, 0x20);
}

void pit_periodic(u32 hertz)
{
    u32 divisor = (1193182 + hertz / 2) / hertz;
    outb(PIT + 3, 0x34);
    outb(PIT, (u8) divisor);
    outb(PIT, (u8) (divisor >> 8));
}

void start_c(u32 magic, const struct multiboot_info *info)
{
    com1_init();
    machine_init();
    pic_init(0xffff);                   /* firmware may have left the timer running on vector 8 */
    if (magic != 0x2badb002)
        panic(0, "not started by a multiboot loader");
    guest_main(info->flags & 4 ? (const char *) info->cmdline : "", info);
    guest_exit(0);
}
