/* Checks of system behaviour. Each is one line on COM1: "ok NAME", "FAIL NAME: got .. expected ..", or "skip NAME (reason)". */
#ifndef SYSTEST_H
#define SYSTEST_H
#include "../../common/machine.h"

/* ---- outcomes: a trap as vector and error code in one word ---- */
#define NONE 0xffffffffu
#define TRAP(vector, error) ((u32) (vector) << 16 | (u32) (error))
#define DE TRAP(0, 0)
#define DB TRAP(1, 0)
#define BP TRAP(3, 0)
#define OF TRAP(4, 0)
#define BR TRAP(5, 0)
#define UD TRAP(6, 0)
#define NM TRAP(7, 0)
#define DF TRAP(8, 0)
#define TS(error) TRAP(10, error)
#define NP(error) TRAP(11, error)
#define SS(error) TRAP(12, error)
#define GP(error) TRAP(13, error)
#define PF(error) TRAP(14, error)
#define MF TRAP(16, 0)
#define AC TRAP(17, 0)
#define XM TRAP(19, 0)

/* The last trap that TRY caught. v86 are es, ds, fs, gs of virtual-8086 mode. */
struct caught {
    struct frame f;
    u32 cr2, dr6;
    u32 v86[4];
    u32 esp;                    /* at the time of the trap, whatever the ring */
};
extern struct caught caught;

struct try_point { u32 ebx, esi, edi, ebp, esp, eip; struct try_point *outer; };
u32 try_begin(struct try_point *p) __attribute__((returns_twice));
void try_end(struct try_point *p);
u32 caught_outcome(void);

/* Runs code; gives the outcome of the trap that ended it, or NONE. Traps with a handler of their own are not seen. */
#define TRY(code) ({ \
    struct try_point point_; \
    u32 outcome_; \
    if (try_begin(&point_) == 0) { code; try_end(&point_); outcome_ = NONE; } \
    else outcome_ = caught_outcome(); \
    outcome_; })
#define ASM(text, ...) __asm__ volatile(text : __VA_ARGS__)
/* The same in ring 3, on the same stack. */
#define TRY3(code) TRY({ to_ring3(); code; to_ring0(); })

/* From ring 0 to ring 3 and back, in place: flat segments, the same stack, ds and es reloaded. */
void to_ring3(void);
void to_ring0(void);
extern const u8 ring3_landing[];        /* code for ring 3: int 0x82 */
extern u32 ring3_eflags;        /* for the next to_ring3; 2 at the start of each topic */

/* ---- results ---- */
extern u32 strict;              /* the command line said "strict": also run what QEMU TCG gets wrong */
void check(const char *name, u32 got, u32 expected);
void skip(const char *name, const char *reason);
/* True when checks that follow the manual and not QEMU TCG may run; else says that they are skipped. */
u32 sdm_only(const char *name);
#define SDM_CHECK(name, got, expected) do { if (sdm_only(name)) check(name, got, expected); } while (0)
/* A condition of its own. */
#define check_true(name, condition) check(name, (condition) != 0, 1)

/* ---- the machine ---- */
#define CODE0 0x08
#define DATA0 0x10
#define CODE3 0x1b
#define DATA3 0x23
#define MAIN_TSS 0x28
#define FIRST_FREE 8            /* gdt entries from here on belong to the topic that runs */
#define SEL(index) ((u32) (index) << 3)

void catch_trap(struct frame *f);       /* the handler of every vector unless a topic puts its own */
void set_gate(u32 vector, u32 selector, u32 offset, u32 access);
u32 cpuid_edx(void);                    /* leaf 1 */
u32 cpuid_ecx(void);
static inline u32 bit(u32 v, u32 n) { return v >> n & 1; }

static inline void lgdt(const void *base, u32 limit)
{
    struct table_pointer p = { (u16) limit, (u32) base };
    ASM("lgdt %0", : "m"(p));
}
static inline void lldt(u32 selector) { ASM("lldt %w0", : "r"(selector) : "memory"); }
static inline void ltr(u32 selector) { ASM("ltr %w0", : "r"(selector) : "memory"); }
static inline u32 str(void) { u32 v; ASM("str %0", "=r"(v)); return v & 0xffff; }
static inline u64 rdmsr(u32 msr) { u64 v; ASM("rdmsr", "=A"(v) : "c"(msr)); return v; }
static inline void wrmsr(u32 msr, u64 v) { ASM("wrmsr", : "c"(msr), "A"(v) : "memory"); }
static inline u64 rdtsc(void) { u64 v; ASM("rdtsc", "=A"(v)); return v; }

/* 64 KiB of scratch memory, page-aligned, cleared before each topic. */
extern u8 scratch[0x10000];

struct topic { const char *name; void (*run)(void); };
void segments(void), selectors(void), gates(void), interrupts(void), tasks(void), virtual8086(void), realmode(void);
void paging(void), pae(void), restart(void), debug(void), shadows(void), exceptions(void), fpu(void), sse(void), processor(void);
void selfmod(void), pic(void), pit(void), rtc(void), apic(void), ioapic(void), pmtimer(void), irq13(void);
#endif
