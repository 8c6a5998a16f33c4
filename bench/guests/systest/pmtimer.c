/* The ACPI power management timer, found through the FADT. [ACPI] 4.8.3.3. */
#include "timers.h"

void pmtimer(void)
{
    u32 bits = 24;
    u16 port = pm_clock(&bits);
    check_true("in-fadt", port != 0);
    if (!port)
        return;
    u32 mask = bits == 32 ? ~0u : 0xffffff;
    u32 backward = 0, last = inl(port);
    for (u32 i = 0; i < 2000; i++) {
        u32 now = inl(port);
        backward |= ((now - last) & mask) > mask / 2;
        last = now;
    }
    check("never-backward", backward, 0);
    check("upper-byte", bits == 24 ? last >> 24 : 0, 0);
    u32 start = inl(port);
    wait_us(50000);
    u32 ticks = (inl(port) - start) & mask;
    check_true("3.58-mhz", ticks > 150000 && ticks < 400000);
    if (ticks <= 150000 || ticks >= 400000)
        print("# %u ticks in 50 ms\n", ticks);
}
