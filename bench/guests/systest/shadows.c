/* Where interrupts and single-step traps may not come. [SDM] 3A 6.8.3, 17.3.1.4; 2B MOV, POP, STI. */
#include "systest.h"

static volatile u32 irq_eip, irqs;

static void on_irq0(struct frame *f)
{
    irqs++;
    irq_eip = f->eip;
    f->eflags &= ~0x200u;
    pic_eoi(0);
}

/* Leaves IRQ0 pending: the PIT counts down once, and the 8259 shows the request. */
static void make_pending(void)
{
    irqs = irq_eip = 0;
    handlers[IRQ_BASE] = on_irq0;
    pic_init(0xfffe);
    outb(PIT + 3, 0x30);                /* mode 0: the output is low until the end */
    outb(PIT, 100);
    outb(PIT, 0);
    outb(PIC1, 0x0a);                   /* OCW3: read IRR */
    while (!(inb(PIC1) & 1))
        ;
}

void shadows(void)
{
    u32 at;
    make_pending();
    ASM("movl $1f, %0; sti; nop; 1: nop; cli", "=m"(at) : : "memory");
    check("sti-lets-one-instruction", irq_eip, at);
    check("sti-once", irqs, 1);
    make_pending();
    ASM("sti; cli; nop; nop");
    check("sti-cli-lets-nothing-in", irqs, 0);
    make_pending();
    ASM("movl $1f, %0; pushl $0x202; popfl; 1: nop; cli", "=m"(at) : : "memory", "cc");
    check("popf-has-no-shadow", irq_eip, at);
    make_pending();
    ASM("movl $1f, %0; pushl $0x202; pushl %%cs; pushl $1f; iretl; 1: nop; cli", "=m"(at) : : "memory", "cc");
    check("iret-has-no-shadow", irq_eip, at);
    make_pending();
    ASM("movl $1f, %0; sti; hlt; 1: nop; cli", "=m"(at) : : "memory");
    check("sti-hlt", irq_eip, at);

    irqs = 0;
    pic_init(0xfffe);
    pit_periodic(1000);
    ASM("movl $1f, %0; sti; hlt; 1: cli", "=m"(at) : : "memory");
    check("hlt-waits-for-interrupt", irqs, 1);
    check("hlt-continues-behind", irq_eip, at);

    /* a long rep is interrupted between iterations and goes on */
    u32 rep, in_rep = 0, count = 0;
    u8 *const big = (u8 *) 0x1000000;
    for (u32 i = 0; i < 40 && !in_rep; i++) {
        irqs = 0;
        ASM("movl $1f, %0; pushl $0x202; popfl; 1: rep; stosb; cli", "=m"(rep), "=c"(count) : "1"(0x800000), "D"(big), "a"(i) : "memory", "cc");
        in_rep = irqs && irq_eip == rep;
    }
    check_true("rep-is-interruptible", in_rep);
    check("rep-completes", count, 0);
    check("rep-last-byte", big[0x7fffff], big[0]);
    pic_init(0xffff);

    check("cli-hides-pending", (make_pending(), cli(), irqs), 0);
    outb(PIC1 + 1, 0xff);
    sti();
    ASM("nop; nop");
    cli();
    check("mask-hides-pending", irqs, 0);
}
