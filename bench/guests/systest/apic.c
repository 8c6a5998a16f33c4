/* The local APIC. [SDM] 3A chapter 10. */
#include "timers.h"

#define BASE 0xfee00000u
#define SPURIOUS 0xef
#define TIMER 0xe0

static volatile u32 *at(u32 offset) { return (volatile u32 *) (BASE + offset); }
static volatile u32 count, isr_seen;

static void on_vector(struct frame *f)
{
    count++;
    isr_seen = *at(0x100 + (f->vector >> 5) * 0x10) >> (f->vector & 31) & 1;
    *at(0xb0) = 0;
}

static volatile u32 order[4], orders;
static void on_order(struct frame *f)
{
    if (orders < 4)
        order[orders++] = f->vector;
    *at(0xb0) = 0;
}

static void self_ipi(u32 vector)
{
    *at(0x310) = 0;
    *at(0x300) = 0x44000 | vector;              /* self, asserted, fixed */
    while (*at(0x300) & 0x1000)
        ;
}

static u32 ticks_in_10_ms(u32 divider)
{
    *at(0x3e0) = divider;
    *at(0x380) = 0x20000000;
    u32 a = *at(0x390);
    wait_us(10000);
    return a - *at(0x390);
}

static void timer(void)
{
    handlers[TIMER] = on_vector;
    *at(0x3e0) = 0xb;                           /* divide by 1 */
    count = 0;
    *at(0x320) = TIMER;                         /* one-shot */
    *at(0x380) = 1000000;
    u32 first = *at(0x390);
    wait_us(100);
    check_true("timer-counts-down", *at(0x390) < first || !*at(0x390));
    sti();
    for (u32 i = 0; i < 400 && !count; i++)
        wait_us(5000);
    wait_us(30000);
    cli();
    check("timer-one-shot", count, 1);
    check("timer-one-shot-stops", *at(0x390), 0);
    check("timer-in-service", isr_seen, 1);
    check("timer-eoi", *at(0x100 + (TIMER >> 5) * 0x10), 0);
    count = 0;
    *at(0x320) = 0x20000 | TIMER;               /* periodic */
    *at(0x380) = 1000000;
    sti();
    for (u32 i = 0; i < 400 && count < 5; i++)
        wait_us(5000);
    cli();
    check_true("timer-periodic", count >= 5);
    *at(0x320) = 0x10000 | TIMER;               /* masked */
    wait_us(5000);
    let_in();
    count = 0;
    *at(0x380) = 1000;
    sti();
    wait_us(20000);
    cli();
    check("timer-masked", count, 0);
    u32 ratio_is_right = 0;                     /* a busy host may spoil a measurement */
    for (u32 i = 0; i < 10 && !ratio_is_right; i++) {
        u32 slow = ticks_in_10_ms(3), fast = ticks_in_10_ms(0xb);       /* divide by 16 and by 1 */
        ratio_is_right = fast / 10 > slow && fast / 25 < slow;
    }
    check_true("timer-divider", ratio_is_right);
    *at(0x380) = 0;
    check("timer-stops", *at(0x390), 0);
}

static void interrupts_of_its_own(void)
{
    handlers[0x51] = handlers[0x61] = handlers[0x71] = on_order;
    orders = 0;
    self_ipi(0x51);
    self_ipi(0x71);
    self_ipi(0x61);
    check("requests", *at(0x200 + 2 * 0x10) | *at(0x200 + 3 * 0x10), 1u << 17 | 1u << 1);
    let_in();
    check("priority", orders == 3 ? order[0] << 16 | order[1] << 8 | order[2] : 0, 0x716151);
    *at(0x80) = 0x60;                           /* task priority: class 6 and below wait */
    orders = 0;
    self_ipi(0x61);
    self_ipi(0x71);
    let_in();
    check("task-priority-holds", orders == 1 ? order[0] : orders, 0x71);
    *at(0x80) = 0x50;
    let_in();
    check("task-priority-lets-go", orders == 2 ? order[1] : orders, 0x61);
    *at(0x80) = 0;
    check("processor-priority", *at(0xa0) & 0xff, 0);
}

static void virtual_wire(void)
{
    u32 lint0 = *at(0x350);
    irqs_start(0xfffe);
    *at(0x350) = 0x700;                         /* ExtINT */
    raise_irq0();
    let_in();
    check("extint", irq_count, 1);
    *at(0x350) = 0x10700;
    raise_irq0();
    let_in();
    check("lint0-masked", irq_count, 1);
    *at(0x350) = 0x700;
    let_in();
    check("lint0-unmasked", irq_count, 2);
    *at(0x350) = lint0;
    irqs_start(0xffff);
}

void apic(void)
{
    if (!bit(cpuid_edx(), 9)) {
        skip("apic", "not in CPUID");
        return;
    }
    map_page(BASE, BASE, PAGE_PRESENT | PAGE_WRITE | 0x10);
    check("base-msr-enabled", (u32) rdmsr(0x1b) >> 11 & 1, 1);
    check("version", *at(0x30) & 0xf0, 0x10);
    check_true("lvt-entries", (*at(0x30) >> 16 & 0xff) >= 3);
    handlers[SPURIOUS] = on_vector;
    u32 old = *at(0xf0), old_lint0 = *at(0x350), old_lint1 = *at(0x360);
    *at(0xf0) = 0x100 | SPURIOUS;
    check("software-enabled", *at(0xf0) & 0x1ff, 0x100 | SPURIOUS);
    *at(0x80) = 0;
    timer();
    interrupts_of_its_own();
    virtual_wire();
    *at(0x280) = 0;
    *at(0xf0) = 0xff;                           /* software-disabled: the LVT is masked and stays so */
    *at(0x320) = TIMER;
    SDM_CHECK("software-disabled-masks-lvt", *at(0x320) & 0x10000, 0x10000);
    *at(0xf0) = old;
    *at(0x320) = 0x10000;
    *at(0x350) = old_lint0;                     /* disabling masked them too */
    *at(0x360) = old_lint1;
}
