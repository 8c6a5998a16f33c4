/* What the targets in targets.asm wrote down. */
#ifndef TARGETS_H
#define TARGETS_H
#include "systest.h"
extern volatile u32 seen_stack[8], seen_cs, seen_ss, seen_eflags, seen_esp;
void gate_target(void), gate_target_2(void), gate_target_null_fs(void), interrupt_target(void);
extern const u8 small_code[], small_call[], small_interrupt[], small_int[], small_user[], small_user_end[];
#endif
