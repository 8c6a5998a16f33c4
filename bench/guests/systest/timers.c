#include "timers.h"
#include "../../common/acpi.h"

volatile u32 irq_count, irq_order[32];
void (*in_handler)(u32 line);
u32 eoi_by_handler;

static void on_irq(struct frame *f)
{
    u32 line = f->vector - IRQ_BASE;
    if (irq_count < 32)
        irq_order[irq_count] = line;
    irq_count++;
    if (line == 4)
        drop_irq4();
    if (line == 1)
        drop_irq1();
    if (in_handler)
        in_handler(line);
    if (eoi_by_handler)
        pic_eoi(line);
}

void irqs_start(u16 mask)
{
    drop_irq4();
    drop_irq1();
    for (u32 i = 0; i < 16; i++)
        handlers[IRQ_BASE + i] = on_irq;
    irq_count = 0;
    in_handler = 0;
    eoi_by_handler = 1;
    pic_init(mask);
}

u8 pic_irr(u16 port)
{
    outb(port, 0x0a);
    return inb(port);
}

u8 pic_isr(u16 port)
{
    outb(port, 0x0b);
    return inb(port);
}

static void wait_request(u32 line)
{
    for (u32 i = 0; i < 1000000 && !(pic_irr(PIC1) >> line & 1); i++)
        ;
}

void raise_irq0(void)
{
    outb(PIT + 3, 0x30);
    outb(PIT, 10);
    outb(PIT, 0);
    wait_request(0);
}

static void wait_input_buffer(void)
{
    for (u32 i = 0; i < 100000 && inb(0x64) & 2; i++)
        ;
}

/* [8042] command D2: writes a byte into the output buffer as if the keyboard had sent it. */
void raise_irq1(void)
{
    wait_input_buffer();
    outb(0x64, 0x60);
    wait_input_buffer();
    outb(0x60, 0x41);                   /* translate, interrupt of the keyboard on */
    wait_input_buffer();
    outb(0x64, 0xd2);
    wait_input_buffer();
    outb(0x60, 0x1e);
    wait_request(1);
}

void drop_irq1(void)
{
    for (u32 i = 0; i < 16 && inb(0x64) & 1; i++)
        inb(0x60);
}

/* [16550] IER bit 1 with an empty transmitter interrupts at once; OUT2 opens the way to the line. */
void raise_irq4(void)
{
    while (!(inb(COM1 + 5) & 0x40))
        ;
    outb(COM1 + 4, 0x0b);
    outb(COM1 + 1, 2);
    wait_request(4);
}

void drop_irq4(void)
{
    outb(COM1 + 1, 0);
    inb(COM1 + 2);
}

void let_in(void)
{
    sti();
    ASM("nop; nop; nop; nop");
    cli();
}

void wait_us(u32 microseconds)
{
    u32 count = microseconds * 1193 / 1000 + 1;
    outb(0x61, (u8) ((inb(0x61) & ~3) | 1));            /* gate on, speaker off */
    outb(PIT + 3, 0xb0);                                /* channel 2, mode 0 */
    outb(PIT + 2, (u8) count);
    outb(PIT + 2, (u8) (count >> 8));
    while (!(inb(0x61) & 0x20))
        ;
}

u16 pm_clock(u32 *bits)
{
    write_cr0(read_cr0() & 0x7fffffff);         /* the tables may lie beyond the identity map */
    u16 port = acpi_pm_timer(bits);
    write_cr0(read_cr0() | 0x80000000);
    return port;
}

u32 pm_since(u16 port, u32 earlier)
{
    return (inl(port) - earlier) & 0xffffff;
}
