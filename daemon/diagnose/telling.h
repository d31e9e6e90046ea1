/* SPDX-License-Identifier: MIT */
/*
 * How each cause is told: one sentence, the numbers behind it, the step that fits with what it
 * would free and cannot, and the command to type next. No text of a process gets into any of it,
 * but for the name of its unit when that is a plain one: a command is there to be pasted. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_TELLING_H
#define MEMTEND_DIAGNOSE_TELLING_H

#include "diagnose/facts.h"
#include "model/verdict.h"

void tell_unknown(const struct facts *facts, struct verdict *verdict);
void tell_swapped(const struct facts *facts, struct verdict *verdict);
void tell_small(const struct facts *facts, struct verdict *verdict);
void tell_neighbour(const struct facts *facts, struct verdict *verdict);
void tell_copied(const struct facts *facts, struct verdict *verdict);
void tell_family_shared(const struct facts *facts, struct verdict *verdict);
void tell_garbage_kept(const struct facts *facts, struct verdict *verdict);
void tell_uncollected(const struct facts *facts, struct verdict *verdict);
void tell_malloc_keeps(const struct facts *facts, struct verdict *verdict);
void tell_pools_pinned(const struct facts *facts, struct verdict *verdict);
void tell_pools_free(const struct facts *facts, struct verdict *verdict);
void tell_python_objects(const struct facts *facts, struct verdict *verdict);
void tell_malloc_used(const struct facts *facts, struct verdict *verdict);
void tell_arenas(const struct facts *facts, struct verdict *verdict);
void tell_stacks(const struct facts *facts, struct verdict *verdict);
void tell_files(const struct facts *facts, struct verdict *verdict);
void tell_shmem(const struct facts *facts, struct verdict *verdict);
void tell_large_mapping(const struct facts *facts, struct verdict *verdict);
void tell_huge_pages(const struct facts *facts, struct verdict *verdict);

/* What is worth a line whatever the cause, as far as lines are left. */
void tell_beside(const struct facts *facts, struct verdict *verdict);

#endif
