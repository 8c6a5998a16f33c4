/* bench.elf: runs the workloads that the command line names. "NAME [REPEAT]...", "all", nothing = a list; "nopaging" first: flat memory. */
#include "../common/machine.h"
#include "workloads.h"

static u32 failures;

static void run(const struct workload *w, u32 repeat)
{
    while (repeat--) {
        print("%s start\n", w->name);
        u32 sum = w->run();
        if (sum == w->checksum) {
            print("%s checksum=%08x ok\n", w->name, sum);
        } else {
            print("%s checksum=%08x BAD, expected %08x\n", w->name, sum, w->checksum);
            failures++;
        }
    }
}

static const struct workload *find(const char *name)
{
    for (const struct workload *w = computing; w->name; w++)
        if (!strcmp(w->name, name))
            return w;
    for (const struct workload *w = system_workloads; w->name; w++)
        if (!strcmp(w->name, name))
            return w;
    return 0;
}

static void run_all(void)
{
    for (const struct workload *w = computing; w->name; w++)
        run(w, 1);
    for (const struct workload *w = system_workloads; w->name; w++)
        run(w, 1);
}

static void list(const struct workload *w)
{
    for (; w->name; w++)
        print("%12s %s\n", w->name, w->what);
}

/* Splits the line in place; returns the number of words. */
static u32 split(const char *line, char *buffer, u32 size, char **words, u32 limit)
{
    u32 count = 0, n = 0;
    while (*line && count < limit) {
        while (*line == ' ')
            line++;
        if (!*line)
            break;
        words[count++] = buffer + n;
        while (*line && *line != ' ' && n + 2 < size)
            buffer[n++] = *line++;
        if (n + 2 >= size)
            break;
        buffer[n++] = 0;
    }
    buffer[n] = 0;
    return count;
}

static int is_number(const char *s)
{
    return *s >= '0' && *s <= '9';
}

/* Loaders put the file name before the arguments, or do not. */
static int is_file_name(const char *s)
{
    for (; *s; s++)
        if (*s == '.' || *s == '/')
            return 1;
    return 0;
}

void guest_main(const char *command_line, const struct multiboot_info *info)
{
    static char buffer[256];
    char *words[32];
    u32 count = split(command_line, buffer, sizeof buffer, words, 32), first = 0;
    if (count && is_file_name(words[0]))
        first++;
    if (info->flags & 1 && info->mem_upper < 64 * 1024 - 2048)
        panic(0, "needs 64 MB of memory");
    if (first < count && !strcmp(words[first], "nopaging"))
        first++;
    else
        paging_on(128);
    write_cr0((read_cr0() & ~0xeu) | 0x22);     /* NE, MP; EM and TS off */
    __asm__ volatile("fninit");
    if (first == count) {
        list(computing);
        list(system_workloads);
    }
    for (u32 i = first; i < count; i++) {
        u32 repeat = 1;
        if (!strcmp(words[i], "all")) {
            run_all();
            continue;
        }
        const struct workload *w = find(words[i]);
        if (!w) {
            print("unknown workload: %s\n", words[i]);
            failures++;
            continue;
        }
        if (i + 1 < count && is_number(words[i + 1])) {
            repeat = 0;
            for (const char *s = words[++i]; is_number(s); s++)
                repeat = repeat * 10 + (u32) (*s - '0');
        }
        run(w, repeat);
    }
    guest_exit(failures ? 1 : 0);
}
