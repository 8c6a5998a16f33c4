/* The embedded guest: a prompt on the serial port of an otherwise empty machine. */
#include "console.h"
#include "../common/acpi.h"

volatile u32 ticks;
static const struct multiboot_info *boot;

static void on_tick(struct frame *f)
{
    (void) f;
    ticks++;
    pic_eoi(0);
}

/* [8259A] a request that vanished before it was acknowledged comes as line 7; the master alone is told for line 15. */
static void on_spurious(struct frame *f)
{
    if (f->vector == IRQ_BASE + 15)
        outb(PIC1, 0x20);
}

/* ---- help for the commands ---- */

static u32 parse_number(const char *s, u32 *v)
{
    u64 n = 0;
    if (!*s)
        return 0;
    for (; *s >= '0' && *s <= '9' && n <= 0xffffffff; s++)
        n = n * 10 + (u32) (*s - '0');
    *v = (u32) n;
    return !*s && n <= 0xffffffff;
}

static void print_seconds(u32 t)
{
    print("%u.%02u s", t / TICKS_PER_SECOND, t % TICKS_PER_SECOND);
}

/* ---- cpuid ---- */

static void get_cpuid(u32 leaf, u32 r[4])
{
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "0"(leaf), "2"(0));
}

static void print_chars(const u32 *words, u32 n)
{
    for (u32 i = 0; i < n * 4; i++) {
        char c = (char) (words[i / 4] >> i % 4 * 8);
        if (c)
            put_char(c);
    }
}

static void print_names(u32 bits, const char *const names[32])
{
    for (u32 i = 0; i < 32; i++)
        if (bits >> i & 1 && names[i])
            print(" %s", names[i]);
}

static void command_cpuid(const char *argument)
{
    (void) argument;
    static const char *const edx[32] = { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", 0, "sep", "mtrr", "pge", "mca", "cmov",
        "pat", "pse36", "psn", "clflush", 0, "ds", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "htt", "tm", 0, "pbe" };
    static const char *const ecx[32] = { "sse3", "pclmulqdq", 0, "monitor", 0, "vmx", 0, 0, 0, "ssse3", 0, 0, "fma", "cx16", 0, 0,
        0, 0, 0, "sse4.1", "sse4.2", "x2apic", "movbe", "popcnt", 0, "aes", "xsave", "osxsave", "avx", 0, "rdrand", "hypervisor" };
    u32 r[4], top, vendor[3];
    get_cpuid(0, r);
    top = r[0];
    vendor[0] = r[1], vendor[1] = r[3], vendor[2] = r[2];
    print("vendor    ");
    print_chars(vendor, 3);
    print("\n");
    get_cpuid(0x80000000, r);
    if (r[0] >= 0x80000004 && r[0] < 0x80001000) {
        print("name      ");
        for (u32 leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
            get_cpuid(leaf, r);
            print_chars(r, 4);
        }
        print("\n");
    }
    if (top < 1)
        return;
    get_cpuid(1, r);
    u32 family = r[0] >> 8 & 15, model = r[0] >> 4 & 15;
    if (family == 15)
        family += r[0] >> 20 & 255;
    if ((r[0] >> 8 & 15) == 6 || (r[0] >> 8 & 15) == 15)
        model += r[0] >> 12 & 0xf0;
    print("family    %u, model %u, stepping %u\nfeatures ", family, model, r[0] & 15);
    print_names(r[3], edx);
    print_names(r[2], ecx);
    print("\n");
}

/* ---- mem ---- */

struct region { u32 size; u64 base, length; u32 type; } __attribute__((packed));

static void command_mem(const char *argument)
{
    (void) argument;
    static const char *const kinds[] = { "?", "available", "reserved", "ACPI tables", "ACPI NVS", "bad" };
    if (!(boot->flags & 1 << 6)) {
        print("no memory map; %u KiB below and %u KiB above 1 MiB\n", boot->mem_lower, boot->mem_upper);
        return;
    }
    u64 total = 0;
    u32 at = boot->mmap_addr, end = at + boot->mmap_length;
    while (at < end) {
        const struct region *r = (const void *) at;
        u64 last = r->base + r->length - 1;
        print("%08x%08x - %08x%08x  %s\n", (u32) (r->base >> 32), (u32) r->base, (u32) (last >> 32), (u32) last,
            kinds[r->type < sizeof kinds / sizeof *kinds ? r->type : 0]);
        if (r->type == 1)
            total += r->length;
        at += r->size + 4;
    }
    print("%u KiB available\n", (u32) (total >> 10));
}

/* ---- time ---- */

static u32 cmos(u8 index)
{
    outb(0x70, index);
    return inb(0x71);
}

struct clock { u32 second, minute, hour, day, month, year; };

static struct clock read_clock_once(void)
{
    while (cmos(0x0a) & 0x80)
        ;
    return (struct clock) { cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9) };
}

/* [MC146818] twice until equal, so that no update falls between. */
static struct clock read_clock(void)
{
    struct clock a, b = read_clock_once();
    do {
        a = b;
        b = read_clock_once();
    } while (a.second != b.second || a.minute != b.minute || a.hour != b.hour || a.day != b.day);
    u32 *field = &a.second, pm = a.hour & 0x80;
    a.hour &= 0x7f;
    if (!(cmos(0x0b) & 4))
        for (u32 i = 0; i < 6; i++)
            field[i] = (field[i] >> 4) * 10 + (field[i] & 15);
    if (!(cmos(0x0b) & 2))
        a.hour = a.hour % 12 + (pm ? 12 : 0);
    return a;
}

static void command_time(const char *argument)
{
    (void) argument;
    struct clock c = read_clock();
    print("20%02u-%02u-%02u %02u:%02u:%02u\n", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

static void command_uptime(const char *argument)
{
    (void) argument;
    u32 s = ticks / TICKS_PER_SECOND;
    print("up %u:%02u:%02u (%u ticks of 10 ms)\n", s / 3600, s / 60 % 60, s % 60, ticks);
}

/* ---- primes ---- */

static void command_primes(const char *argument)
{
    u32 limit, top = boot->flags & 1 ? 0x100000 + boot->mem_upper * 1024 : 0x2000000;
    if (!parse_number(argument, &limit) || limit < 2) {
        print("usage: primes N, with N of at least 2\n");
        return;
    }
    if (top < (u32) arena || limit >= top - (u32) arena) {
        print("primes: not enough memory for %u\n", limit);
        return;
    }
    u32 start = ticks, found = 0, largest = 2;
    memset(arena, 0, limit + 1);
    for (u32 i = 2; i <= limit; i++) {
        if (arena[i])
            continue;
        found++;
        largest = i;
        if (interrupted()) {
            print("interrupted\n");
            return;
        }
        if (i <= 0xffff)
            for (u32 j = i * i; j <= limit && j >= i; j += i)
                arena[j] = 1;
    }
    print("%u primes up to %u, the largest is %u, in ", found, limit, largest);
    print_seconds(ticks - start);
    print("\n");
}

/* ---- mandel ---- */

static void command_mandel(const char *argument)
{
    (void) argument;
    static const char shades[] = " .:-=+*#%@";
    u32 start = ticks;
    for (i32 row = -12; row <= 12; row++) {
        for (i32 column = -54; column < 24; column++) {
            double cr = column / 25.0, ci = row / 11.0, zr = 0, zi = 0;
            u32 n = 0;
            for (; n < 200; n++) {
                double rr = zr * zr, ii = zi * zi;
                if (rr + ii > 4)
                    break;
                zi = 2 * zr * zi + ci;
                zr = rr - ii + cr;
            }
            put_char(n == 200 ? '@' : shades[n < 2 ? 0 : n < 4 ? 1 : n < 6 ? 2 : n < 9 ? 3 : n < 13 ? 4 : n < 20 ? 5 : n < 40 ? 6 : n < 80 ? 7 : 8]);
        }
        print("\n");
    }
    print_seconds(ticks - start);
    print("\n");
}

/* ---- life ---- */

enum { ROWS = 20, COLUMNS = 64 };
static u8 cells[2][ROWS][COLUMNS];

static u32 neighbours(u8 (*c)[COLUMNS], u32 row, u32 column)
{
    u32 n = 0;
    for (u32 dr = ROWS - 1; dr <= ROWS + 1; dr++)
        for (u32 dc = COLUMNS - 1; dc <= COLUMNS + 1; dc++)
            if (dr != ROWS || dc != COLUMNS)
                n += c[(row + dr) % ROWS][(column + dc) % COLUMNS];
    return n;
}

static void seed_cells(void)
{
    u32 x = ticks * 2654435761u | 1;
    for (u32 row = 0; row < ROWS; row++)
        for (u32 column = 0; column < COLUMNS; column++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            cells[0][row][column] = (x >> 28) < 5;
        }
}

static void command_life(const char *argument)
{
    u32 generations = 200, now = 0;
    if (*argument && !parse_number(argument, &generations)) {
        print("usage: life [GENERATIONS]\n");
        return;
    }
    seed_cells();
    print("\x1b[2J\x1b[?25l");
    u32 g = 0;
    for (; g < generations && !key_waiting(); g++, now ^= 1) {
        u32 alive = 0;
        print("\x1b[H");
        for (u32 row = 0; row < ROWS; row++) {
            for (u32 column = 0; column < COLUMNS; column++) {
                u32 cell = cells[now][row][column], n = neighbours(cells[now], row, column);
                alive += cell;
                put_char(cell ? 'o' : ' ');
                cells[now ^ 1][row][column] = n == 3 || (cell && n == 2);
            }
            print("\n");
        }
        print("generation %u, %u alive; any key stops \n", g, alive);
        pause_ticks(TICKS_PER_SECOND / 10);
    }
    if (!interrupted() && key_waiting())
        read_key();
    print("\x1b[?25h");
}

/* ---- the ends ---- */

static void command_reboot(const char *argument)
{
    (void) argument;
    print("rebooting\n");
    flush_output();
    cli();
    outb(0xcf9, 2);
    outb(0xcf9, 6);             /* reset control register */
    for (u32 i = 0; i < 100000 && inb(0x64) & 2; i++)
        ;
    outb(0x64, 0xfe);           /* keyboard controller pulses the reset line */
    static const struct table_pointer none;
    __asm__ volatile("lidt %0; int3" :: "m"(none));     /* shutdown, which a chipset turns into a reset */
}

/* Between one and two seconds: the power may go a moment after it was told to. */
static void wait_for_second(void)
{
    for (u32 changes = 0; changes < 2; changes++)
        for (u32 s = cmos(0); cmos(0) == s; )
            ;
}

static void command_poweroff(const char *argument)
{
    (void) argument;
    print("powering off\n");
    flush_output();
    cli();
    acpi_power_off();
    wait_for_second();
    outw(0x604, 0x2000);        /* where firmware without tables puts PM1a_CNT of a PIIX4 */
    wait_for_second();
    print("there is no way to power this machine off; halted\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void command_help(const char *argument);

static const struct command { const char *name; void (*run)(const char *argument); const char *what; } commands[] = {
    { "help", command_help, "this list" },
    { "cpuid", command_cpuid, "what the processor says it is" },
    { "mem", command_mem, "the memory map from the loader" },
    { "time", command_time, "date and time of the real-time clock" },
    { "uptime", command_uptime, "time since the start" },
    { "primes", command_primes, "primes N: counts the primes up to N" },
    { "mandel", command_mandel, "the Mandelbrot set, computed on the x87" },
    { "life", command_life, "life [GENERATIONS]: Conway's game of life" },
    { "reboot", command_reboot, "resets the machine" },
    { "poweroff", command_poweroff, "powers the machine off (ACPI S5)" },
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void command_help(const char *argument)
{
    (void) argument;
    for (u32 i = 0; i < COMMANDS; i++)
        print("  %10s%s\n", commands[i].name, commands[i].what);
    print("Ctrl-C stops a command; the arrow keys edit and recall lines.\n");
}

/* Cuts the line into a command and the rest, without blanks around them. */
static void run_line(char *line)
{
    while (*line == ' ')
        line++;
    char *argument = line;
    while (*argument && *argument != ' ')
        argument++;
    while (*argument == ' ')
        *argument++ = 0;
    for (char *end = argument; *end; end++)
        if (*end == ' ') {
            *end = 0;
            break;
        }
    if (!*line)
        return;
    for (u32 i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, line)) {
            interrupted();
            commands[i].run(argument);
            return;
        }
    print("%s: no such command; try help\n", line);
}

void guest_main(const char *command_line, const struct multiboot_info *info)
{
    static char line[LINE_BYTES];
    (void) command_line;
    boot = info;
    handlers[IRQ_BASE] = on_tick;
    handlers[IRQ_BASE + 7] = handlers[IRQ_BASE + 15] = on_spurious;
    write_cr0((read_cr0() & ~0xeu) | 0x22);     /* NE, MP; EM and TS off */
    __asm__ volatile("fninit");
    pic_init((u16) ~(1u << 0 | 1u << 4));
    pit_periodic(TICKS_PER_SECOND);
    print("\nThe embedded guest: a small program alone on this machine. Type help.\n");
    console_start();
    sti();
    for (;;) {
        read_line("guest> ", line);
        run_line(line);
    }
}
