/* SPDX-License-Identifier: MIT */
/*
 * Which rows of the table of processes a target means. Reader thread, inside a read transaction.
 */
#ifndef MEMTEND_STORAGE_TARGET_ROWS_H
#define MEMTEND_STORAGE_TARGET_ROWS_H

#include "model/target.h"
#include "storage/block_walk.h"

#include <sys/types.h>

/* Of one process: each run of the daemon made one. */
#define TARGET_ROWS_LIMIT 4096

struct target_rows {
    struct block_walk_row *rows; /* newest first */
    size_t count, capacity;
};

void target_rows_finish(struct target_rows *rows); /* safe on a zeroed one */

/* Of a group within the time of a query: a unit that starts three processes a second for an hour.
 */
#define TARGET_MEMBERS_LIMIT 16384

/* `owner` as history_set_owner(). Fills in what the target leaves open: the start of a pid. No such
 * process: no rows. -EOPNOTSUPP: units and groups. -ENOMEM. */
int target_rows_find(struct queries *queries, const uid_t *owner, struct target *target,
                     struct target_rows *ret_rows);
/* Within the time of a query: ticks of blocks, and all that are newer than these. */
struct target_ticks {
    struct tick_range blocks;
    int64_t new_tick;
};

/* Every row of the processes that belong to a unit or a group, or did when they were there last,
 * and were there within these ticks: those of one process in a row, oldest first. -E2BIG: more than
 * TARGET_MEMBERS_LIMIT. */
int target_rows_members(struct queries *queries, const struct target *target,
                        const struct target_ticks *ticks, struct target_rows *ret_rows);
/* Every row of one process of one boot. */
int target_rows_process(struct queries *queries, const uid_t *owner, struct process_id id,
                        int64_t boot, struct target_rows *ret_rows);

#endif
