/* SPDX-License-Identifier: MIT */
/*
 * Where the resident memory of a process is: its mappings, one after the other in the order of
 * their addresses, sorted by kind. Every byte goes to exactly one kind, so that the kinds sum to
 * the RSS of the mappings. The kind follows from name, rights and neighbours:
 *
 *     stack   "[stack]"; private anonymous memory right behind a guard (no rights, at most 256
 *             KiB), unless more that is reserved follows
 *     arena   private anonymous memory from a multiple of 64 MiB on, what follows up to the next
 *             multiple is reserved without rights: glibc's arenas but the first, 64 bit only
 *     shmem   /dev/shm, memfd, System V, shared anonymous, huge pages of hugetlbfs
 *
 * An allocator of another make that puts guards before its memory has it told as stacks, and on
 * machines with 39 bits of addresses (small ARM and RISC-V boards) arenas are told as anonymous.
 * Pure, plain data, one owner.
 */
#ifndef MEMTEND_HEAP_LAYERS_H
#define MEMTEND_HEAP_LAYERS_H

#include "model/layer.h"
#include "model/mapping.h"

struct layers_walk {
    struct layers layers; /* so far */
    uint64_t guard_end;   /* of the last guard; 0 = none */
    /* The last one, when what follows may still tell what it is. */
    bool waits, behind_guard;
    struct mapping last; /* without a name */
};

void layers_begin(struct layers_walk *walk);
void layers_add(struct layers_walk *walk, const struct mapping *mapping);
/* mono_usec: when it was read, > 0. */
void layers_end(struct layers_walk *walk, uint64_t mono_usec, struct layers *ret_layers);

#endif
