/* Frames of 64 and 1514 bytes as fast as a PCnet card takes them, each told to it as Linux's pcnet32 does; the frames are as large
   as they are here, without the check sequence that the card adds. Command line: frames of each size. [79C970A] */
#include "../../common/machine.h"

#define RING_LOG 6
#define RING (1u << RING_LOG)
#define OWN 0x80000000u
#define WHOLE_FRAME 0x83000000u /* OWN, STP, ENP */

struct descriptor_2 { u32 address, control, status, user; };
static volatile struct descriptor_2 transmit[RING] __attribute__((aligned(16))), receive[1] __attribute__((aligned(16)));
static struct { u32 mode; u8 address[8]; u32 hash[2], receive, transmit; } block __attribute__((aligned(16)));
static u8 frame[1514] __attribute__((aligned(16)));
static u16 port;
static u32 next;                /* descriptor, not yet modulo the ring */

static u32 pci_read(u32 slot, u32 reg)
{
    outl(0xcf8, 0x80000000u | slot << 11 | reg);
    return inl(0xcfc);
}

static void csr(u32 number, u32 value)
{
    outl(port + 0x14, number);
    outl(port + 0x10, value);
}

static u32 csr0(void)
{
    outl(port + 0x14, 0);
    return inl(port + 0x10);
}

static void find_card(void)
{
    for (u32 slot = 0; slot < 32; slot++) {
        if (pci_read(slot, 0) != 0x20001022)
            continue;
        if (!(pci_read(slot, 0x10) & 0xfffc)) { /* no firmware placed it */
            pci_read(slot, 0x10);
            outl(0xcfc, 0xd000);
        }
        port = pci_read(slot, 0x10) & 0xffe0;
        u32 command = pci_read(slot, 4);
        outl(0xcfc, (command & 0xffff) | 5);    /* I/O, bus master */
        return;
    }
    panic(0, "no PCnet card");
}

static void start_card(void)
{
    block.mode = RING_LOG << 28;
    inw(port + 0x14);                           /* reset, in 16 or in 32 bits */
    inl(port + 0x18);
    outl(port + 0x10, 0);                       /* registers are dwords from now on */
    outl(port + 0x14, 20);
    outl(port + 0x1c, 2);                       /* descriptors of 32 bits */
    memcpy(block.address, "\0\x50\x56\1\2\3", 6);
    block.receive = (u32) receive;
    block.transmit = (u32) transmit;
    csr(1, (u32) &block & 0xffff);
    csr(2, (u32) &block >> 16);
    csr(0, 1);                                  /* INIT */
    while (!(csr0() & 0x100))
        ;
    csr(0, 2);                                  /* STRT */
}

static void wait_for_card(const volatile struct descriptor_2 *d)
{
    while (d->control & OWN)
        ;
}

/* TDMD of CSR0, after all that was written to memory: without that word GCC 12 writes a descriptor once more behind the loop. */
static void demand(void) { __asm__ volatile("outl %0,%1" :: "a"(8), "Nd"((u16) (port + 0x10)) : "memory"); }

static void flood(const char *name, u32 bytes, u32 count)
{
    print("%s start\n", name);
    for (u32 sent = 0; sent < count; sent++) {
        volatile struct descriptor_2 *d = &transmit[next++ % RING];
        wait_for_card(d);
        d->address = (u32) frame;
        d->status = 0;
        d->control = WHOLE_FRAME | 0xf000 | (-bytes & 0xfff);
        demand();
    }
    wait_for_card(&transmit[(next - 1) % RING]);
    print("%s end\n", name);
}

void guest_main(const char *command_line, const struct multiboot_info *info)
{
    (void) info;
    const char *c = command_line;
    while (*c && (*c < '0' || *c > '9' || (c > command_line && c[-1] != ' ')))
        c++;                                    /* a loader may put the name of the file first */
    u32 count = 0;
    while (*c >= '0' && *c <= '9')
        count = 10 * count + *c++ - '0';
    find_card();
    start_card();
    memset(frame, 0xff, 6);                     /* to everybody, of a local experimental type */
    memcpy(frame + 6, block.address, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    for (u32 round = 0; round < 3; round++) {
        flood("tx64", 64, count);
        flood("tx1514", 1514, count);
    }
}
