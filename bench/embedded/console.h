/* The terminal on COM1: interrupt driven both ways; the processor halts while it waits. */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "../common/machine.h"

enum key { KEY_UP = 256, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE };
#define CTRL(c) ((c) & 31)
#define LINE_BYTES 128

void console_start(void);       /* IRQ4; interrupts must still be off */
u32 read_key(void);             /* waits; escape sequences become one key */
u32 interrupted(void);          /* true once after each Ctrl-C; does not wait */
u32 key_waiting(void);
/* Line editing with history; the line is without its end. Empty after Ctrl-C. */
void read_line(const char *prompt, char line[LINE_BYTES]);
void flush_output(void);

extern volatile u32 ticks;      /* hundredths of a second since the start */
#define TICKS_PER_SECOND 100
/* Halts until at least this many ticks have passed, or a key is there. */
void pause_ticks(u32 count);
#endif
