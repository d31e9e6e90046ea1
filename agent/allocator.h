/* SPDX-License-Identifier: MIT */
/*
 * The program's malloc: which one it is, its numbers, and giving its free pages back. glibc only;
 * another allocator is named and left alone. After allocator_identify() (constructor) the rest
 * runs on the agent's thread only.
 */
#ifndef MEMTEND_AGENT_ALLOCATOR_H
#define MEMTEND_AGENT_ALLOCATOR_H

#include "wire/control.h"

void allocator_identify(void);
/* "glibc 2.36", "jemalloc", "" = not known. */
const char *allocator_name(void);
/* CONTROL_CAN_MALLOC, CONTROL_CAN_TRIM as far as they hold here. */
uint32_t allocator_capabilities(void);
void allocator_stats(struct control_stats *stats);
/* Microseconds it took. What came of it shows only in /proc: the return value says nothing. */
uint64_t allocator_trim(void);

#endif
