/* Finds the RSDP in low memory and walks from there; the _S5 package is found by its name, as small kernels do. */
#include "acpi.h"

static u32 same(const void *a, const void *b, u32 n)
{
    const u8 *x = a, *y = b;
    while (n && *x == *y)
        x++, y++, n--;
    return n == 0;
}

static u32 sums_to_zero(const void *p, u32 n)
{
    u8 sum = 0;
    for (const u8 *b = p; n; n--)
        sum = (u8) (sum + *b++);
    return sum == 0;
}

static const u8 *scan(u32 from, u32 to)
{
    for (u32 a = from; a < to; a += 16)
        if (same((const void *) a, "RSD PTR ", 8) && sums_to_zero((const void *) a, 20))
            return (const u8 *) a;
    return 0;
}

static const u8 *rsdp(void)
{
    u32 ebda = (u32) *(volatile u16 *) 0x40e << 4;
    const u8 *found = ebda >= 0x80000 && ebda < 0xa0000 ? scan(ebda, ebda + 1024) : 0;
    return found ? found : scan(0xe0000, 0x100000);
}

const struct acpi_table *acpi_find(const char signature[4])
{
    const u8 *root = rsdp();
    if (!root)
        return 0;
    const struct acpi_table *rsdt = (const void *) *(const u32 *) (root + 16);
    if (!same(rsdt->signature, "RSDT", 4) || !sums_to_zero(rsdt, rsdt->length))
        return 0;
    u32 dsdt = same(signature, "DSDT", 4);
    for (u32 i = 0; i < (rsdt->length - sizeof *rsdt) / 4; i++) {
        const struct acpi_table *t = (const void *) ((const u32 *) (rsdt + 1))[i];
        if (dsdt && same(t->signature, "FACP", 4)) {
            t = (const void *) *(const u32 *) ((const u8 *) t + 40);
            return same(t->signature, "DSDT", 4) && sums_to_zero(t, t->length) ? t : 0;
        }
        if (same(t->signature, signature, 4) && sums_to_zero(t, t->length))
            return t;
    }
    return 0;
}

u16 acpi_pm_timer(u32 *bits)
{
    const u8 *fadt = (const u8 *) acpi_find("FACP");
    if (!fadt)
        return 0;
    *bits = *(const u32 *) (fadt + 112) & 0x100 ? 32 : 24;      /* TMR_VAL_EXT */
    return *(const u16 *) (fadt + 76);
}

/* One small AML integer: Zero, One, BytePrefix, or the byte itself as some compilers write it. */
static const u8 *aml_integer(const u8 *p, u32 *v)
{
    if (*p == 0x0a)
        p++;
    *v = *p++;
    return p;
}

void acpi_power_off(void)
{
    const u8 *fadt = (const u8 *) acpi_find("FACP");
    const struct acpi_table *dsdt = acpi_find("DSDT");
    if (!fadt || !dsdt)
        return;
    const u8 *p = (const u8 *) (dsdt + 1), *end = (const u8 *) dsdt + dsdt->length - 8;
    while (p < end && !same(p, "_S5_", 4))
        p++;
    if (p >= end || p[4] != 0x12)                       /* PackageOp */
        return;
    p += 5;
    p += 1 + (*p >> 6);                                 /* PkgLength */
    p++;                                                /* NumElements */
    u32 type_a, type_b;
    p = aml_integer(p, &type_a);
    aml_integer(p, &type_b);
    u16 pm1a = *(const u16 *) (fadt + 64), pm1b = *(const u16 *) (fadt + 68);
    u32 command = *(const u32 *) (fadt + 48);
    u8 enable = fadt[52];
    if (command && enable && !(inw(pm1a) & 1))          /* SCI_EN: leave legacy mode first */
        outb((u16) command, enable);
    outw(pm1a, (u16) (type_a << 10 | 1 << 13));
    if (pm1b)
        outw(pm1b, (u16) (type_b << 10 | 1 << 13));
}
