/* The pair of 8259A. [8259A] modes, OCW2, OCW3, poll. */
#include "timers.h"

static u32 nested_before_eoi, isr_inside;

static void raise_irq1_inside(u32 line)
{
    if (line != 0)
        return;
    isr_inside = pic_isr(PIC1);
    raise_irq1();
    let_in();
    nested_before_eoi = irq_count;
}

static void raise_irq0_inside(u32 line)
{
    if (line != 4)
        return;
    isr_inside = pic_isr(PIC1);
    raise_irq0();
    let_in();
    nested_before_eoi = irq_count;
}

static void priorities(void)
{
    irqs_start((u16) ~0x13u);
    raise_irq4();
    raise_irq1();
    raise_irq0();
    check("requests", pic_irr(PIC1) & 0x13, 0x13);
    let_in();
    check("all-came", irq_count, 3);
    check("order", irq_order[0] << 8 | irq_order[1] << 4 | irq_order[2], 0x014);
    check("in-service-empty", pic_isr(PIC1), 0);

    irqs_start((u16) ~0x13u);
    in_handler = raise_irq1_inside;
    raise_irq0();
    let_in();
    check("lower-waits-for-eoi", nested_before_eoi, 1);
    check("in-service", isr_inside, 1);
    check("lower-comes-after-eoi", irq_count, 2);
    irqs_start((u16) ~0x13u);
    in_handler = raise_irq0_inside;
    raise_irq4();
    let_in();
    check("higher-nests", nested_before_eoi, 2);
    check("higher-nests-in-service", isr_inside, 0x10);
}

static void masks(void)
{
    irqs_start(0xffff);
    check("mask-reads-back", inb(PIC1 + 1) << 8 | inb(PIC2 + 1), 0xffff);
    outb(PIC1 + 1, 0xa5);
    check("mask-written", inb(PIC1 + 1), 0xa5);
    outb(PIC1 + 1, 0xff);
    raise_irq0();
    check("masked-request-shows", pic_irr(PIC1) & 1, 1);
    let_in();
    check("masked-stays-out", irq_count, 0);
    outb(PIC1 + 1, 0xfe);
    let_in();
    check("unmasked-comes", irq_count, 1);
    outb(PIC1, 0x11);
    check("icw1-clears-mask", (outb(PIC1 + 1, IRQ_BASE), outb(PIC1 + 1, 4), outb(PIC1 + 1, 1), inb(PIC1 + 1)), 0);
    outb(PIC1 + 1, 0xff);
}

/* OCW2 and OCW3. */
static void commands(void)
{
    irqs_start((u16) ~0x13u);
    eoi_by_handler = 0;
    raise_irq0();
    let_in();
    check("no-eoi-in-service", pic_isr(PIC1), 1);
    raise_irq0();
    let_in();
    check("no-eoi-no-more", irq_count, 1);
    outb(PIC1, 0x61);                                   /* specific, of a line that is not in service */
    check("specific-eoi-other", pic_isr(PIC1), 1);
    outb(PIC1, 0x60);
    check("specific-eoi", pic_isr(PIC1), 0);
    let_in();
    check("after-specific-eoi", irq_count, 2);
    outb(PIC1, 0x20);
    check("non-specific-eoi", pic_isr(PIC1), 0);

    irqs_start((u16) ~0x13u);
    outb(PIC1, 0xc0);                                   /* line 0 becomes the lowest */
    raise_irq0();
    raise_irq1();
    let_in();
    check("set-priority", irq_order[0] << 4 | irq_order[1], 0x10);
    outb(PIC1, 0xc7);
    irqs_start((u16) ~0x13u);
    eoi_by_handler = 0;
    raise_irq0();
    let_in();
    outb(PIC1, 0xa0);                                   /* rotate on non-specific EOI */
    raise_irq0();
    raise_irq1();
    eoi_by_handler = 1;
    irq_count = 0;
    let_in();
    check("rotate-on-eoi", irq_order[0] << 4 | irq_order[1], 0x10);
    outb(PIC1, 0xc7);

    irqs_start((u16) ~0x13u);                           /* special mask mode */
    eoi_by_handler = 0;
    raise_irq0();
    let_in();
    raise_irq1();
    let_in();
    check("normal-mask-blocks", irq_count, 1);
    outb(PIC1, 0x68);
    outb(PIC1 + 1, (u8) ~0x12u);                        /* mask the line in service */
    let_in();
    check("special-mask-lets-lower-in", irq_count, 2);
    outb(PIC1, 0x48);
    outb(PIC1, 0x61);
    outb(PIC1, 0x60);
    check("special-mask-done", pic_isr(PIC1), 0);

    irqs_start((u16) ~0x13u);                           /* poll */
    raise_irq1();
    outb(PIC1, 0x0c);
    check("poll", inb(PIC1), 0x81);
    check("poll-acknowledges", pic_isr(PIC1), 2);
    outb(PIC1, 0x20);
    drop_irq1();
    outb(PIC1, 0x0c);
    check("poll-nothing", inb(PIC1) & 0x80, 0);
    let_in();
    check("poll-took-it", irq_count, 0);

    irqs_start(0xffff);                                 /* automatic end of interrupt */
    outb(PIC1, 0x11);
    outb(PIC1 + 1, IRQ_BASE);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 3);
    outb(PIC1 + 1, (u8) ~0x13u);
    eoi_by_handler = 0;
    raise_irq0();
    let_in();
    raise_irq0();
    let_in();
    check("automatic-eoi", irq_count, 2);
    check("automatic-eoi-in-service", pic_isr(PIC1), 0);

    outb(PIC1, 0x11);                                   /* another base */
    outb(PIC1 + 1, 0x70);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 1);
    outb(PIC1 + 1, 0xfe);
    raise_irq0();
    check("vector-base", TRY(let_in()), TRAP(0x70, 0));
    pic_init(0xffff);
}

void pic(void)
{
    priorities();
    masks();
    commands();
    irqs_start(0xffff);
}
