/* SPDX-License-Identifier: MIT */
/*
 * The newest ticks of one process, or of the host, one after the other: out of the blocks of the
 * last periods, and what is still on the shelf. Writer thread.
 */
#ifndef MEMTEND_STORAGE_RECENT_H
#define MEMTEND_STORAGE_RECENT_H

#include "storage/query.h"
#include "storage/shelf.h"

struct recent {
    struct queries *queries;
    struct shelf *shelf;
    int64_t row;
    int64_t from_tick, to_tick; /* both are visited */
};

/* What held at a tick; `row->present` 0: nothing is known. A number < 0 ends the visit. */
typedef int (*recent_visitor)(void *context, int64_t tick, const struct open_log_row *row);

/* Each tick at most once, in their order; those before the process was there are left out. */
int recent_visit(const struct recent *recent, recent_visitor visit, void *context);

#endif
