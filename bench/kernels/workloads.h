/* The workloads: each a fixed amount of work that ends in a checksum. */
#ifndef WORKLOADS_H
#define WORKLOADS_H
#include "../common/guest.h"

struct workload {
    const char *name;
    u32 (*run)(void);
    u32 checksum;               /* from the native build; for system workloads, which no process can run, from the definition */
    const char *what;
};
extern const struct workload computing[], system_workloads[];     /* each ends with a null name */

/* xorshift32: the source of all pseudo-random input here. */
static inline u32 next_random(u32 *state)
{
    u32 x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Order-dependent mixing of a result into a checksum. */
static inline u32 mix(u32 sum, u32 v)
{
    return ((sum << 5 | sum >> 27) ^ v) * 0x9e3779b1u;
}

u32 sieve(void), sha256(void), crc32(void), sort(void), matmul(void), chase(void), fib(void), bytecode(void), muldiv(void);
u32 repmovs(void), strings(void);
u32 mandelbrot(void), nbody(void);
u32 adc_chains(void), partial_registers(void);
u32 patched(void), fresh(void);
#endif
