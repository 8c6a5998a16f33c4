/* Integer workloads: the quality of translated code, memory access, calls and jumps. */
#include "workloads.h"

/* Primes below 2 000 000, twelve times over: byte stores with a stride, short loops. */
u32 sieve(void)
{
    enum { LIMIT = 2000000, ROUNDS = 12 };
    u32 sum = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        u8 *composite = arena;
        for (u32 i = 0; i < LIMIT; i++)
            composite[i] = 0;
        u32 count = 0;
        for (u32 i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            count++;
            for (u32 j = i + i; j < LIMIT; j += i)
                composite[j] = 1;
        }
        sum = mix(sum, count);
    }
    return sum;
}

static const u32 sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 ror(u32 v, u32 n) { return v >> n | v << (32 - n); }

static void sha_block(u32 h[8], const u8 *p)
{
    u32 w[64];
    for (u32 i = 0; i < 16; i++, p += 4)
        w[i] = (u32) p[0] << 24 | (u32) p[1] << 16 | (u32) p[2] << 8 | p[3];
    for (u32 i = 16; i < 64; i++)
        w[i] = w[i - 16] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3)
            + w[i - 7] + (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
    for (u32 i = 0; i < 64; i++) {
        u32 t1 = k + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + sha_k[i] + w[i];
        u32 t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        k = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}

/* SHA-256 [FIPS 180-4] over 1 MiB, chained: shifts, rotates and additions in long straight lines. */
u32 sha256(void)
{
    enum { BYTES = 1 << 20, ROUNDS = 32 };
    u32 h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    u32 seed = 1;
    for (u32 i = 0; i < BYTES; i += 4)
        *(u32 *) (arena + i) = next_random(&seed);
    for (u32 round = 0; round < ROUNDS; round++)
        for (u32 i = 0; i < BYTES; i += 64)
            sha_block(h, arena + i);
    u32 sum = 0;
    for (u32 i = 0; i < 8; i++)
        sum = mix(sum, h[i]);
    return sum;
}

/* CRC-32 (IEEE 802.3, reflected, by table) of 4 MiB: one dependent load for each byte. */
u32 crc32(void)
{
    enum { BYTES = 4 << 20, ROUNDS = 24 };
    static u32 table[256];
    for (u32 i = 0; i < 256; i++) {
        u32 c = i;
        for (u32 bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        table[i] = c;
    }
    u32 seed = 2;
    for (u32 i = 0; i < BYTES; i += 4)
        *(u32 *) (arena + i) = next_random(&seed);
    u32 crc = ~0u;
    for (u32 round = 0; round < ROUNDS; round++)
        for (u32 i = 0; i < BYTES; i++)
            crc = crc >> 8 ^ table[(crc ^ arena[i]) & 0xff];
    return ~crc;
}

static int ascending(const void *a, const void *b)
{
    i32 x = *(const i32 *) a, y = *(const i32 *) b;
    return x < y ? -1 : x > y;
}

static int by_low_bits(const void *a, const void *b)
{
    u32 x = *(const u32 *) a & 0xfffff, y = *(const u32 *) b & 0xfffff;
    return x < y ? -1 : x > y;
}

/* Quicksort of a range of words through a comparison callback, as libc's qsort is used. */
static void quick(u32 *v, i32 low, i32 high, int (*compare)(const void *, const void *))
{
    while (low < high) {
        u32 pivot = v[low + (high - low) / 2];
        i32 i = low, j = high;
        while (i <= j) {
            while (compare(&v[i], &pivot) < 0)
                i++;
            while (compare(&v[j], &pivot) > 0)
                j--;
            if (i <= j) {
                u32 t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (j - low < high - i) {
            quick(v, low, j, compare);
            low = i;
        } else {
            quick(v, i, high, compare);
            high = j;
        }
    }
}

/* Sorts 250 000 words through function pointers: indirect calls, unpredictable branches. */
u32 sort(void)
{
    enum { WORDS = 250000, ROUNDS = 4 };
    u32 *v = (u32 *) arena;
    u32 seed = 3, sum = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 i = 0; i < WORDS; i++)
            v[i] = next_random(&seed);
        quick(v, 0, WORDS - 1, round & 1 ? by_low_bits : ascending);
        for (u32 i = 0; i < WORDS; i += 997)
            sum = mix(sum, v[i] & 0xfffff);
    }
    return sum;
}

/* 160 x 160 matrices of int32: multiply and add, two streams, one of them by column. */
u32 matmul(void)
{
    enum { N = 160, ROUNDS = 40 };
    u32 (*a)[N] = (void *) arena, (*b)[N] = (void *) (arena + 0x100000), (*c)[N] = (void *) (arena + 0x200000);
    u32 seed = 4;
    for (u32 i = 0; i < N; i++)
        for (u32 j = 0; j < N; j++)
            a[i][j] = next_random(&seed), b[i][j] = next_random(&seed);
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 i = 0; i < N; i++)
            for (u32 j = 0; j < N; j++) {
                u32 s = 0;
                for (u32 k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        u32 (*t)[N] = a;
        a = c, c = t;
    }
    u32 sum = 0;
    for (u32 i = 0; i < N; i++)
        for (u32 j = 0; j < N; j++)
            sum = mix(sum, a[i][j]);
    return sum;
}

/* Follows one cycle through 32 MiB of 64-byte nodes: TLB and cache misses, hardly any instructions. */
u32 chase(void)
{
    enum { NODES = 32 * 1024 * 1024 / 64, STEPS = 4000000, WORDS = 16 };
    u32 *node = (u32 *) arena;
    u32 seed = 5;
    for (u32 i = 0; i < NODES; i++)
        node[i * WORDS] = i;
    for (u32 i = NODES - 1; i > 0; i--) {       /* Sattolo: one cycle over all nodes */
        u32 j = next_random(&seed) % i;
        u32 t = node[i * WORDS];
        node[i * WORDS] = node[j * WORDS];
        node[j * WORDS] = t;
    }
    u32 at = 0, sum = 0;
    for (u32 step = 0; step < STEPS; step++) {
        at = node[at * WORDS];
        sum += at;
    }
    return mix(sum, at);
}

static __attribute__((noinline, optimize("no-optimize-sibling-calls"))) u32 fibonacci(u32 n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* fib(36) by plain recursion: calls, returns, pushes and pops. */
u32 fib(void)
{
    u32 (*volatile f)(u32) = fibonacci;         /* keeps gcc from folding or cloning */
    return f(36);
}

/* An interpreter for a small stack machine with computed goto: indirect jumps that only a profile predicts. */
u32 bytecode(void)
{
    enum { PUSH, ADD, XOR, DUP, SWAP, LOAD, STORE, DEC, JNZ, SHL, HALT };
    static const u8 program[] = {
        /* variable 0 counts down, 1 accumulates, 2 is the seed */
        LOAD, 2, DUP, SHL, 5, XOR, DUP, STORE, 2,
        LOAD, 1, ADD, PUSH, 0x5b, XOR, STORE, 1,
        LOAD, 1, LOAD, 2, SWAP, DUP, SHL, 3, XOR, ADD, STORE, 1,
        LOAD, 0, DEC, DUP, STORE, 0, JNZ, 0,
        HALT
    };
    static const void *const labels[] = { &&push, &&add, &&xor, &&dup, &&swap, &&load, &&store, &&dec, &&jnz, &&shl, &&halt };
    u32 variables[4] = { 5000000, 0, 12345, 0 };
    u32 stack[16], *sp = stack;
    const u8 *pc = program;
#define NEXT goto *labels[*pc++]
    NEXT;
push:  *sp++ = *pc++; NEXT;
add:   sp--; sp[-1] += *sp; NEXT;
xor:   sp--; sp[-1] ^= *sp; NEXT;
dup:   *sp = sp[-1]; sp++; NEXT;
swap:  { u32 t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; } NEXT;
load:  *sp++ = variables[*pc++]; NEXT;
store: variables[*pc++] = *--sp; NEXT;
dec:   sp[-1]--; NEXT;
jnz:   if (*--sp) pc = program + *pc; else pc++; NEXT;
shl:   sp[-1] <<= *pc++; NEXT;
halt:  return mix(variables[1], variables[2]);
#undef NEXT
}

/* 32 x 32 -> 64 multiplication, signed and unsigned, and 64 / 32 division. */
u32 muldiv(void)
{
    enum { STEPS = 50000000 };
    u32 a = 0x12345678, b = 0x9abcdef1, sum = 0;
    for (u32 i = 0; i < STEPS; i++) {
        u64 product = (u64) a * b;
        i64 other = (i64) (i32) a * (i32) (b ^ i);
        u32 divisor = b | 0x80000001, high = (u32) (product >> 32) & 0x7fffffff, low = (u32) product, quotient, rest;
        __asm__("divl %4" : "=a"(quotient), "=d"(rest) : "0"(low), "1"(high), "rm"(divisor) : "cc");
        sum += quotient ^ (u32) (other >> 32);
        a = a * 1664525 + 1013904223 + rest % 10007;
        b ^= quotient + i;
    }
    return mix(sum, a);
}
