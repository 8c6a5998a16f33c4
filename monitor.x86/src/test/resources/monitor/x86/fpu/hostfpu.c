/* Executes single instructions on the processor of this machine and returns what they did to the FXSAVE area, to RAX,
 * to the flags and to 128 bytes of memory at RSI. Reads batches (a 32-bit count, then as many of struct request) from stdin,
 * writes as many of struct reply to stdout. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct request { uint8_t code[16]; uint64_t rax, flags; uint8_t memory[128]; uint8_t area[512]; };
struct reply { uint64_t signal, rax, flags; uint8_t memory[128]; uint8_t area[512]; };

static struct request in __attribute__((aligned(64)));
static struct reply out __attribute__((aligned(64)));
static uint8_t input[512] __attribute__((aligned(64))), output[512] __attribute__((aligned(64)));
static uint8_t memory[128] __attribute__((aligned(64)));
static uint8_t *code;

static void trap(int number, siginfo_t *info, void *context) {
    (void) info;
    out.signal = number;
    ((ucontext_t *) context)->uc_mcontext.gregs[REG_RIP] = (long) (code + 4095); /* the RET */
}

int main(void) {
    struct sigaction action = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &action, 0);
    sigaction(SIGILL, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 1;
    code[4095] = 0xC3;
    static char inbuf[1 << 20], outbuf[1 << 20];
    setvbuf(stdin, inbuf, _IOFBF, sizeof inbuf);
    setvbuf(stdout, outbuf, _IOFBF, sizeof outbuf);
    uint32_t mxcsr = 0x1F80;
    uint32_t count = 0;
    while (count != 0 || fread(&count, sizeof count, 1, stdin) == 1) {
        if (fread(&in, sizeof in, 1, stdin) != 1) return 1;
        memcpy(code, in.code, 16);
        memcpy(memory, in.memory, 128);
        memcpy(input, in.area, 512);
        out.signal = 0;
        uint64_t rax = in.rax, flags = in.flags;
        __asm__ volatile(
            "fxrstor %[input]\n push %[flags]\n popf\n call *%[code]\n"
            "pushf\n pop %[flags]\n cld\n fxsave %[output]\n fninit\n ldmxcsr %[mxcsr]\n"
            : "+a"(rax), [flags] "+r"(flags), [output] "=m"(output), "+m"(memory)
            : [code] "r"(code), [input] "m"(input), [mxcsr] "m"(mxcsr), "S"(memory)
            : "cc", "rcx", "rdx", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
        out.rax = rax;
        out.flags = flags;
        memcpy(out.memory, memory, 128);
        memcpy(out.area, output, 512);
        fwrite(&out, sizeof out, 1, stdout);
        if (--count == 0) fflush(stdout);
    }
    return 0;
}
