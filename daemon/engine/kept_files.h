/* SPDX-License-Identifier: MIT */
/*
 * Whose PID/statm stays open between ticks. A kept descriptor makes a reading several times
 * cheaper, but costs a descriptor and PROC_STATM_KERNEL_BYTES of kernel memory, so there is a
 * limit; above it those keep theirs whose RSS moves most. A newcomer must be clearly hotter than
 * the one that it drives out, so that descriptors are not opened again all the time. Loop thread.
 */
#ifndef MEMTEND_ENGINE_KEPT_FILES_H
#define MEMTEND_ENGINE_KEPT_FILES_H

#include "engine/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_files {
    size_t limit;        /* descriptors at most */
    size_t hand;         /* index in the table where the search for a cold one goes on */
    unsigned moves_left; /* descriptors that may change hands in this tick */
};

/* What the limit follows from. */
struct kept_files_means {
    uint64_t wanted;        /* CONFIG_KEPT_FILES_AUTO, or what the configuration says */
    uint64_t descriptors;   /* RLIMIT_NOFILE */
    uint64_t machine_bytes; /* MemTotal; 0 = unknown */
};

/* Pure. */
size_t kept_files_limit(const struct kept_files_means *means);
/* Raise the soft limit of descriptors to the hard one; the limit in force. */
uint64_t kept_files_raise_descriptors(void);

void kept_files_on_tick(struct kept_files *kept);
/* RSS was read: did it change? */
void kept_files_heat(struct glance *glance, bool changed, uint64_t tick);
/*
 * May the candidate, which has no descriptor, have one now? When there is none left, the one of a
 * clearly colder process is closed for it.
 */
bool kept_files_admit(struct kept_files *kept, struct table *table, const struct glance *candidate);

#endif
