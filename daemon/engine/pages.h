/* SPDX-License-Identifier: MIT */
/*
 * Tables mapped once for max_processes: address space only, the kernel gives a page when it is
 * first written. Zeroed. Any thread.
 */
#ifndef MEMTEND_ENGINE_PAGES_H
#define MEMTEND_ENGINE_PAGES_H

#include <stddef.h>

/* NULL: no memory. */
void *pages_map(size_t count, size_t size);
/* Gives its memory back; what is read afterwards is zero. */
void pages_release(void *memory, size_t count, size_t size);
/* As it was mapped; NULL is fine. */
void pages_unmap(void *memory, size_t count, size_t size);

#endif
