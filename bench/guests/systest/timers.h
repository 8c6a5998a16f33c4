/* Interrupts from devices that a program can cause at will, and a measure of time. */
#ifndef TIMERS_H
#define TIMERS_H
#include "systest.h"

/* The order in which interrupts came, as line numbers, and how many. */
extern volatile u32 irq_count, irq_order[32];
/* Called inside the handler, before the end of interrupt; null for nothing. */
extern void (*in_handler)(u32 line);
extern u32 eoi_by_handler;              /* 0: the handler sends no end of interrupt */

void irqs_start(u16 mask);              /* handlers for all lines, PIC initialised with this mask */
void raise_irq0(void);                  /* each waits until the PIC shows the request */
void raise_irq1(void);                  /* keyboard controller: a byte in the output buffer */
void drop_irq1(void);
void raise_irq4(void);                  /* COM1: transmitter empty */
void drop_irq4(void);
void let_in(void);                      /* a few instructions with interrupts on */

u8 pic_irr(u16 port);
u8 pic_isr(u16 port);

/* Microseconds by PIT channel 2, at most 50 000. */
void wait_us(u32 microseconds);

/* The PM timer as a clock of its own (the waits above run long when the host is busy): port, or 0 without one. */
u16 pm_clock(u32 *bits);
/* PM timer ticks (3.579545 MHz) since an earlier reading, at most 4.6 s. */
u32 pm_since(u16 port, u32 earlier);
#endif
