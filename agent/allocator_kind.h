/* SPDX-License-Identifier: MIT */
/*
 * What allocator.c asks of each allocator it knows. All of them are found by name at run time; the
 * functions of one kind are called only when its identify() has found it, except identify() itself.
 */
#ifndef MEMTEND_AGENT_ALLOCATOR_KIND_H
#define MEMTEND_AGENT_ALLOCATOR_KIND_H

#include "wire/control.h"

enum allocator_claim {
    ALLOCATOR_ABSENT,    /* malloc() of this program is not this one's */
    ALLOCATOR_UNDECIDED, /* it is here but does not answer yet */
    ALLOCATOR_SERVES,
};

struct allocator_kind {
    const char *name;
    /*
     * Does a block that malloc() hands out show in this allocator's own books? A name that can be
     * found says little: libraries bring allocators for themselves, programs contain several, and
     * a static one answers dlsym("malloc") with a stub of its own. SERVES fills ret_version.
     */
    enum allocator_claim (*identify)(char ret_version[static CONTROL_TEXT_SIZE]);
    void (*stats)(struct control_stats *stats); /* NULL: it tells nothing */
    enum control_result (*trim)(void);
    bool per_thread; /* trim does not reach the heaps of other threads */
    bool fork_blind; /* its locks may be left behind locked in the child of a fork */
};

extern const struct allocator_kind allocator_glibc, allocator_glibc_old, allocator_jemalloc,
    allocator_tcmalloc, allocator_mimalloc;

/* One trial block for identify(): above the largest chunk that glibc's per-thread cache keeps (1032
 * bytes: a cached chunk counts as in use before and after), below the smallest that gets a mapping
 * of its own. */
#define ALLOCATOR_TRIAL_BYTES ((size_t)3000)

/* "5.3.0" from 5, 3, ".0" */
void allocator_version(int major, int minor, const char *rest,
                       char ret_version[static CONTROL_TEXT_SIZE]);

/* Inside a trim that goes on for long: let the program fork between two pieces. */
void allocator_breathe(void);

#endif
