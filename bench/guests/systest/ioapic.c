/* The IOAPIC: the PIT by edge, COM1 by level. [82093AA] 3.2; MADT overrides say where ISA line 0 is. */
#include "timers.h"
#include "../../common/acpi.h"

static u32 base;
static u32 get(u32 index) { *(volatile u32 *) base = index; return *(volatile u32 *) (base + 0x10); }
static void put(u32 index, u32 v) { *(volatile u32 *) base = index; *(volatile u32 *) (base + 0x10) = v; }
static volatile u32 *local(u32 offset) { return (volatile u32 *) (0xfee00000u + offset); }

static volatile u32 edges, levels, remote_irr, levels_limit;

static void on_edge(struct frame *f)
{
    (void) f;
    edges++;
    *local(0xb0) = 0;
}

static void on_level(struct frame *f)
{
    (void) f;
    levels++;
    remote_irr = get(0x10 + 2 * 4) >> 14 & 1;
    if (levels >= levels_limit)
        drop_irq4();
    *local(0xb0) = 0;
}

/* Base address and the pin of ISA line 0. */
static u32 find(u32 *pin)
{
    const struct acpi_table *madt = acpi_find("APIC");
    if (!madt)
        return 0;
    u32 found = 0;
    *pin = 0;
    const u8 *end = (const u8 *) madt + madt->length;
    for (const u8 *p = (const u8 *) madt + 44; p < end && p[1]; p += p[1]) {
        if (p[0] == 1)
            found = *(const u32 *) (p + 4);
        if (p[0] == 2 && p[3] == 0)
            *pin = *(const u32 *) (p + 4);
    }
    return found;
}

void ioapic(void)
{
    u32 pin = 0;
    if (!bit(cpuid_edx(), 9)) {
        skip("ioapic", "no local APIC in CPUID");
        return;
    }
    write_cr0(read_cr0() & 0x7fffffff);         /* the tables may lie beyond the identity map */
    base = find(&pin);
    write_cr0(read_cr0() | 0x80000000);
    check_true("in-madt", base != 0);
    if (!base)
        return;
    map_page(base & ~0xfffu, base & ~0xfffu, PAGE_PRESENT | PAGE_WRITE | 0x10);
    map_page(0xfee00000, 0xfee00000, PAGE_PRESENT | PAGE_WRITE | 0x10);
    check("version", get(1) & 0xff, get(1) & 0xff & 0x3f);
    check("pins", get(1) >> 16 & 0xff, 23);
    put(0x12, 0x10055);
    check("redirection-reads-back", get(0x12) & 0x1ffff & ~0x5000u, 0x10055);
    u32 old_svr = *local(0xf0), old_lint0 = *local(0x350);
    *local(0xf0) = 0x1ef;
    *local(0x350) = 0x10700;
    *local(0x80) = 0;
    u32 destination = *local(0x20) & 0xff000000;
    irqs_start(0xffff);
    handlers[0x50] = on_edge;
    handlers[0x54] = on_level;

    put(0x11 + 2 * pin, destination);
    put(0x10 + 2 * pin, 0x50);
    edges = 0;
    pit_periodic(1000);
    sti();
    for (u32 i = 0; i < 100 && edges < 20; i++)
        wait_us(5000);
    cli();
    check_true("pit-through-ioapic", edges >= 20);
    put(0x10 + 2 * pin, 0x10050);
    raise_irq0();
    let_in();
    edges = 0;
    sti();
    wait_us(10000);
    cli();
    check("masked", edges, 0);

    put(0x11 + 2 * 4, destination);
    put(0x10 + 2 * 4, 0x8054);                  /* level, active high */
    levels = 0;
    levels_limit = 3;
    raise_irq4();
    let_in();
    for (u32 i = 0; i < 10; i++)
        let_in();
    check("level-repeats-until-dropped", levels, 3);
    check("remote-irr-in-service", remote_irr, 1);
    check("remote-irr-cleared", get(0x10 + 2 * 4) >> 14 & 1, 0);
    put(0x10 + 2 * 4, 0x18054);
    raise_irq4();
    let_in();
    check("level-masked", levels, 3);
    put(0x10 + 2 * 4, 0x8054);
    levels_limit = 4;
    let_in();
    check("level-still-there", levels, 4);
    put(0x10 + 2 * 4, 0x10054);
    drop_irq4();
    *local(0xf0) = old_svr;
    *local(0x350) = old_lint0;
    irqs_start(0xffff);
}
