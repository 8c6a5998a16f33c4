/* The workloads that need no privilege, with the checksums of the native build. */
#include "workloads.h"

const struct workload computing[] = {
    { "sieve", sieve, 0xffdbf1aa, "primes below 2 million, 12 times" },
    { "sha256", sha256, 0x86a2975c, "SHA-256 of 32 MiB" },
    { "crc32", crc32, 0xd2fc964a, "CRC-32 of 96 MiB" },
    { "sort", sort, 0xfd662e20, "quicksort of 250 000 words through a callback, 4 times" },
    { "matmul", matmul, 0x1b9da341, "int32 matrices 160 x 160, 40 products" },
    { "chase", chase, 0x1a992918, "4 million steps through 32 MiB" },
    { "repmovs", repmovs, 0x6de13abe, "rep movs/stos, 128 B to 256 KiB" },
    { "strings", strings, 0x11b743af, "scas, cmps, lods, short movs, backward moves" },
    { "mandelbrot", mandelbrot, 0xe55e196d, "x87: 240 x 160, 300 iterations" },
    { "nbody", nbody, 0x4eda5478, "x87: five bodies, 60 000 steps" },
    { "fib", fib, 0x00e3d1b0, "fib(36), recursive" },
    { "bytecode", bytecode, 0xe8ad270a, "stack machine with computed goto" },
    { "muldiv", muldiv, 0xe6998ac5, "mul 32 x 32, div 64 / 32" },
    { "adc", adc_chains, 0xea7cb94c, "add/adc/sbb/rcl chains" },
    { "partial", partial_registers, 0xc857e650, "8- and 16-bit registers, exact flags" },
    { "patched", patched, 0xf99d51f6, "patches a hot routine before each call" },
    { "fresh", fresh, 0xe75f32fe, "10 000 new functions, each run 16 times" },
    { 0, 0, 0, 0 }
};
