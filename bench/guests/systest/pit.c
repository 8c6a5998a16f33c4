/* The 8254. [8254] modes, latch and read-back commands, and port 61 around channel 2. */
#include "timers.h"

static void program(u32 channel, u32 mode, u32 count)
{
    outb(PIT + 3, (u8) (channel << 6 | 0x30 | mode << 1));
    outb((u16) (PIT + channel), (u8) count);
    outb((u16) (PIT + channel), (u8) (count >> 8));
}

static u32 read_count(u32 channel)
{
    outb(PIT + 3, (u8) (channel << 6));
    u32 low = inb((u16) (PIT + channel));
    return low | (u32) inb((u16) (PIT + channel)) << 8;
}

static u32 read_status(u32 channel)
{
    outb(PIT + 3, (u8) (0xe0 | 2 << channel));
    return inb((u16) (PIT + channel));
}

static void gate2(u32 on) { outb(0x61, (u8) ((inb(0x61) & ~3) | on)); }
static u32 out2(void) { return inb(0x61) >> 5 & 1; }

/* True when the output of channel 2 reaches a level before long. */
static u32 becomes(u32 level)
{
    for (u32 spins = 0; spins < 10000000; spins++)
        if (out2() == level)
            return 1;
    return 0;
}

static void counting(void)
{
    program(0, 2, 0);
    u32 a = read_count(0);
    for (u32 i = 0; i < 1000; i++)
        inb(0x80);
    u32 b = read_count(0);
    check_true("counts-down", a > b || (a < 2000 && b > 60000));
    outb(PIT + 3, 0);                                   /* latch, then wait: the value stays */
    u32 low = inb(PIT);
    wait_us(2000);
    u32 first = low | (u32) inb(PIT) << 8, second = read_count(0);
    check_true("latch-holds", first != second);
    outb(PIT + 3, 0);
    outb(PIT + 3, 0);                                   /* a second latch before the read does nothing */
    u32 latched = inb(PIT) | (u32) inb(PIT) << 8;
    check_true("latch-twice", latched <= 0xffff);
    check("status-mode-2", read_status(0) & 0x3f, 0x34);
    program(0, 3, 0x1000);
    wait_us(100);
    check("status-mode-3", read_status(0) & 0x3f, 0x36);
    u32 odd = 0, above = 0;
    for (u32 i = 0; i < 500; i++) {
        u32 v = read_count(0);
        odd |= v & 1;
        above |= v > 0x1000;
    }
    check("mode-3-counts-even", odd, 0);
    check("mode-3-range", above, 0);
    program(0, 2, 0x1000);
    above = 0;
    for (u32 i = 0; i < 500; i++)
        above |= read_count(0) > 0x1000;
    check("mode-2-range", above, 0);

    outb(PIT + 3, 0xc2);                                /* read back count and status of channel 0: status comes first */
    u32 status = inb(PIT);
    low = inb(PIT);
    u32 count = low | (u32) inb(PIT) << 8;
    check("read-back-status-first", status & 0x3f, 0x34);
    check_true("read-back-count", count <= 0x1000);

    outb(PIT + 3, 0x35);                                /* BCD */
    outb(PIT, 0);
    outb(PIT, 0x10);
    u32 bad = 0;
    wait_us(50);
    for (u32 i = 0; i < 300; i++) {
        u32 v = read_count(0);
        bad |= (v & 15) > 9 || (v >> 4 & 15) > 9 || (v >> 8 & 15) > 9 || v > 0x1000;
    }
    SDM_CHECK("bcd", bad, 0);
    check("bcd-status", read_status(0) & 0x3f, 0x35);

    outb(PIT + 3, 0x14);                                /* low byte only, mode 2 */
    outb(PIT, 200);
    wait_us(100);
    u32 high = 0;
    for (u32 i = 0; i < 200; i++) {
        outb(PIT + 3, 0);
        high |= inb(PIT) > 200;
    }
    check("low-byte-only", high, 0);
}

static void channel2(void)
{
    gate2(1);
    program(2, 0, 0xffff);
    check("mode-0-output-low", out2(), 0);
    program(2, 0, 2000);                                /* 1.7 ms */
    check("mode-0-low-again", out2(), 0);
    check("mode-0-terminal-count", becomes(1), 1);
    check("mode-0-status-output", read_status(2) >> 7, 1);

    gate2(0);
    program(2, 0, 5000);
    for (u32 i = 0; i < 300; i++)
        inb(0x80);
    u32 first = read_count(2);
    for (u32 i = 0; i < 3000; i++)
        inb(0x80);
    SDM_CHECK("gate-stops-counting", read_count(2), first);
    gate2(1);
    for (u32 i = 0; i < 3000; i++)
        inb(0x80);
    check_true("gate-goes-on", read_count(2) != first);

    gate2(0);
    program(2, 1, 30000);                               /* hardware one-shot of 25 ms: the gate's edge starts it */
    check("mode-1-output-high", out2(), 1);
    gate2(1);
    SDM_CHECK("mode-1-output-low", becomes(0), 1);      /* with the clock pulse after the trigger */
    check("mode-1-ends-high", becomes(1), 1);
    gate2(0);
    gate2(1);
    SDM_CHECK("mode-1-retriggers", becomes(0), 1);

    program(2, 3, 0x8000);                              /* 27 ms: high, then low */
    check("mode-3-starts-high", out2(), 1);
    check("mode-3-goes-low", becomes(0), 1);
    gate2(0);
    SDM_CHECK("mode-3-gate-low-output-high", out2(), 1);
    program(2, 2, 0x8000);
    SDM_CHECK("mode-2-gate-low-output-high", out2(), 1);
    outb(PIT + 3, 0xb0);                                /* mode 0, half a count written: null count */
    outb(PIT + 2, 0x34);
    SDM_CHECK("null-count", read_status(2) & 0x40, 0x40);
    outb(PIT + 2, 0x12);
    gate2(1);
    wait_us(10);
}

static void rates(void)
{
    u32 bits;
    u16 port = pm_clock(&bits);
    irqs_start(0xfffe);
    pit_periodic(1000);
    sti();
    wait_us(50000);                             /* whatever was late has come */
    if (port) {
        u32 first = irq_count, begin = inl(port);
        for (u32 i = 0; i < 4; i++)
            wait_us(50000);
        u32 expected = pm_since(port, begin) * 2 / 7159, got = irq_count - first;
        cli();
        print("# 1 kHz: %u ticks in %u ms\n", got, expected);
        check_true("1-khz-some-ticks", got >= 10 && got <= expected + 5);       /* a busy host makes QEMU merge some */
        SDM_CHECK("1-khz-no-tick-lost", got + 5 >= expected, 1);
    } else {
        skip("1-khz", "no PM timer to compare with");
    }
    cli();
    outb(PIC1 + 1, 0xff);
    irqs_start(0xfffe);
    raise_irq0();
    let_in();
    sti();
    wait_us(20000);
    cli();
    check("mode-0-interrupts-once", irq_count, 1);
    irqs_start(0xffff);
}

void pit(void)
{
    counting();
    channel2();
    rates();
}
