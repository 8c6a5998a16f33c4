/* The simplest console: one character at a time to COM1, waiting for the transmitter. */
#include "machine.h"

void put_char(char c)
{
    if (c == '\n')
        put_char('\r');
    while (!(inb(COM1 + 5) & 0x20))
        ;
    outb(COM1, (u8) c);
}
