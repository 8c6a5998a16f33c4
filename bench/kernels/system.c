/* Workloads that need the machine: traps, paging, ports and timers. Their checksums follow from their definition. */
#include "../common/machine.h"
#include "workloads.h"

/* ---- int 0x80 from ring 3 ---- */

enum { SYSTEM_CALLS = 700000 };
static u8 user_stack[4096] __attribute__((aligned(16)));
static u32 call_sum;

static void system_call(struct frame *f)
{
    if (f->eax == 1)
        leave_user();
    call_sum += f->ebx;
    f->eax = call_sum;
}

static void user_program(void)
{
    u32 total = 0;
    for (u32 i = 0; i < SYSTEM_CALLS; i++) {
        u32 result;
        __asm__ volatile("int $0x80" : "=a"(result) : "0"(0), "b"(i) : "memory");
        total ^= result;
    }
    __asm__ volatile("int $0x80" :: "a"(1), "b"(total));
    __builtin_unreachable();
}

static u32 int80(void)
{
    call_sum = 0;
    handlers[0x80] = system_call;
    idt[0x80] = gate(0x08, stub_table[0x80], 0xee, 0);
    enter_user((u32) user_program, (u32) user_stack + sizeof user_stack - 16);
    return call_sum;
}

/* ---- demand faults ---- */

enum { FAULT_BASE = 0x40000000, FAULT_PAGES = 1024, FAULT_ROUNDS = 500 };
static u32 faults_taken;

static void demand_fault(struct frame *f)
{
    u32 va = read_cr2();
    if (va - FAULT_BASE >= FAULT_PAGES << 12)
        panic(f, "page fault outside the demand area");
    map_page(va & ~0xfffu, (u32) arena + (va & 0xff000), PAGE_PRESENT | PAGE_WRITE);
    faults_taken++;
}

/* Touches unmapped pages, whose faults map them, then unmaps each with invlpg. */
static u32 faults(void)
{
    faults_taken = 0;
    handlers[14] = demand_fault;
    for (u32 round = 0; round < FAULT_ROUNDS; round++) {
        for (u32 page = 0; page < FAULT_PAGES; page++)
            *(volatile u32 *) (FAULT_BASE + (page << 12) + (page & 0xffc)) = round;
        for (u32 page = 0; page < FAULT_PAGES; page++) {
            *page_entry(FAULT_BASE + (page << 12)) = 0;
            invlpg(FAULT_BASE + (page << 12));
        }
    }
    handlers[14] = 0;
    return faults_taken;
}

/* ---- ports ---- */

enum { OUTS = 20000000 };

/* out 0x80, the port that delays: the cost of reaching a device. */
static u32 outport(void)
{
    u32 n;
    for (n = 0; n < OUTS; n++)
        outb(0x80, (u8) n);
    return n;
}

/* ---- CR3 ---- */

enum { SWITCHES = 300000, SPACES = 4 };
static u32 directories[SPACES][1024] __attribute__((aligned(4096)));

/* Loads CR3 and touches eight pages: what a TLB flush costs. */
static u32 cr3_reload(void)
{
    u32 sum = 0;
    for (u32 s = 0; s < SPACES; s++)
        for (u32 i = 0; i < 1024; i++)
            directories[s][i] = page_directory[i];
    for (u32 page = 0; page < 8; page++)
        *(u32 *) (arena + page * 0x5000) = page + 1;
    for (u32 i = 0; i < SWITCHES; i++) {
        write_cr3((u32) directories[i % SPACES]);
        for (u32 page = 0; page < 8; page++)
            sum += *(volatile u32 *) (arena + page * 0x5000);
    }
    write_cr3((u32) page_directory);
    return sum;
}

/* ---- timers ---- */

static volatile u32 ticks;

static void timer_tick(struct frame *f)
{
    (void) f;
    ticks++;
    pic_eoi(0);
}

static void timer_start(void)
{
    ticks = 0;
    handlers[IRQ_BASE] = timer_tick;
    pic_init(0xfffe);
    pit_periodic(1000);
    sti();
}

static void timer_stop(void)
{
    cli();
    outb(PIC1 + 1, 0xff);
}

/* Computes under a 1 kHz timer; the result must not depend on the interrupts, and at least ten must arrive. */
static u32 timer(void)
{
    enum { STEPS = 300000000 };
    u32 x = 10, sum = 0;
    timer_start();
    for (u32 i = 0; i < STEPS; i++)
        sum += next_random(&x) >> 7;
    timer_stop();
    return ticks < 10 ? 0 : sum;
}

/* One second of hlt under a 1 kHz timer: what an idle guest costs. */
static u32 idle(void)
{
    timer_start();
    while (ticks < 1000)
        __asm__ volatile("hlt");
    timer_stop();
    return 1000;
}

/* Sum of 0 .. n-1 in 32 bits. */
#define TRIANGLE(n) ((u32) ((u64) (n) * ((n) - 1) / 2))

const struct workload system_workloads[] = {
    { "int80", int80, TRIANGLE(SYSTEM_CALLS), "700 000 int 0x80 from ring 3 and back" },
    { "faults", faults, FAULT_PAGES * FAULT_ROUNDS, "512 000 demand faults, unmap, invlpg" },
    { "outport", outport, OUTS, "20 million out 0x80" },
    { "cr3", cr3_reload, SWITCHES * 36, "300 000 CR3 loads, each with 8 touches" },
    { "timer", timer, 0x3aaf834c, "compute under a 1 kHz timer" },
    { "idle", idle, 1000, "1 s of hlt under a 1 kHz timer" },
    { 0, 0, 0, 0 }
};
