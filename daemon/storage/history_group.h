/* SPDX-License-Identifier: MIT */
/*
 * The series of a unit or a group: the sum over its members (storage/group_sum says by what rule).
 * Inner part of history_series.c. Reader thread, inside a read transaction.
 */
#ifndef MEMTEND_STORAGE_HISTORY_GROUP_H
#define MEMTEND_STORAGE_HISTORY_GROUP_H

#include "storage/history_state.h"
#include "storage/target_rows.h"

/* One metric into its buckets. -ENOMEM, -ETIMEDOUT, -EUCLEAN. */
int history_group_metric(struct history *history, struct block_walk *walk,
                         const struct target_rows *rows, enum metric metric,
                         struct buckets *buckets);

#endif
