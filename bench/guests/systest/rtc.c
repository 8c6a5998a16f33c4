/* The MC146818 real-time clock and its CMOS memory. [MC146818] registers A to D. */
#include "timers.h"

static u8 cmos(u32 index) { outb(0x70, (u8) (0x80 | index)); return inb(0x71); }
static void cmos_set(u32 index, u32 v) { outb(0x70, (u8) (0x80 | index)); outb(0x71, (u8) v); }

static volatile u32 irq8s, causes;

static void on_irq8(struct frame *f)
{
    (void) f;
    irq8s++;
    causes |= cmos(0x0c);
    pic_eoi(8);
}

static u32 is_bcd(u32 v) { return (v & 15) <= 9 && v >> 4 <= 9; }

void rtc(void)
{
    for (u32 i = 0; i < 10000000 && cmos(0x0a) & 0x80; i++)
        ;
    check("valid-ram", cmos(0x0d) & 0x80, 0x80);
    check("24-hours-bcd", cmos(0x0b) & 6, 2);
    check_true("seconds", is_bcd(cmos(0)) && cmos(0) <= 0x59);
    check_true("minutes", is_bcd(cmos(2)) && cmos(2) <= 0x59);
    check_true("hours", is_bcd(cmos(4)) && cmos(4) <= 0x23);
    check_true("day", is_bcd(cmos(7)) && cmos(7) >= 1 && cmos(7) <= 0x31);
    check_true("month", is_bcd(cmos(8)) && cmos(8) >= 1 && cmos(8) <= 0x12);
    check_true("year", is_bcd(cmos(9)));
    u8 keep = cmos(0x60);
    cmos_set(0x60, 0x5a);
    check("cmos-memory", cmos(0x60), 0x5a);
    cmos_set(0x60, keep);
    check("divider", cmos(0x0a) & 0x70, 0x20);

    u32 bits;
    u16 port = pm_clock(&bits);
    irqs_start((u16) ~(1u << 2 | 1u << 8));
    handlers[IRQ_BASE + 8] = on_irq8;
    u8 a = cmos(0x0a), b = cmos(0x0b);
    cmos(0x0c);
    cmos_set(0x0a, (a & 0xf0) | 6);                     /* 1024 Hz */
    cmos_set(0x0b, b | 0x40);
    sti();
    wait_us(50000);
    irq8s = causes = 0;
    u32 begin = port ? inl(port) : 0;
    for (u32 i = 0; i < 4; i++)
        wait_us(50000);
    cli();
    u32 expected = port ? pm_since(port, begin) * 10 / 34956 : 205;
    cmos_set(0x0b, b);
    print("# 1024 Hz: %u interrupts, by the PM timer %u\n", irq8s, expected);
    check_true("periodic-some-interrupts", irq8s >= 10 && irq8s <= expected + 10);
    SDM_CHECK("periodic-few-lost", irq8s + expected / 10 >= expected, 1);
    check("periodic-cause", causes & 0xc0, 0xc0);
    cmos(0x0c);
    check("register-c-clears", cmos(0x0c) & 0xf0, 0);

    /* without reading register C the line stays up and no further edge comes */
    cmos_set(0x0b, b | 0x40);
    wait_us(10000);
    check("slave-request", pic_irr(PIC2) & 1, 1);
    check("master-request", pic_irr(PIC1) & 4, 4);
    irq8s = 0;
    let_in();
    check("one-after-unmasking", irq8s >= 1, 1);
    cmos_set(0x0b, b);
    cmos(0x0c);

    cmos_set(0x0b, b | 0x10);                           /* update ended */
    irq8s = causes = 0;
    u32 second = cmos(0);
    sti();
    for (u32 i = 0; i < 50 && !irq8s; i++)
        wait_us(50000);
    cli();
    cmos_set(0x0b, b);
    check("update-ended", causes & 0x90, 0x90);
    check_true("second-went-on", cmos(0) != second);

    cmos_set(1, 0xc0), cmos_set(3, 0xc0), cmos_set(5, 0xc0);    /* alarm: any second */
    cmos(0x0c);
    cmos_set(0x0b, b | 0x20);
    irq8s = causes = 0;
    sti();
    for (u32 i = 0; i < 50 && !irq8s; i++)
        wait_us(50000);
    cli();
    cmos_set(0x0b, b);
    check("alarm", causes & 0xa0, 0xa0);

    cmos_set(0x0b, b | 0x80);                           /* SET stops the updates */
    cmos_set(0, 0x37);
    for (u32 i = 0; i < 24; i++)
        wait_us(50000);
    check("set-stops-updates", cmos(0), 0x37);
    cmos_set(0x0b, b);
    cmos_set(0x0a, a);
    irqs_start(0xffff);
}
