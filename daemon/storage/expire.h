/* SPDX-License-Identifier: MIT */
/*
 * Retention, in steps of a few milliseconds: by age, and by the size of the file.
 */
#ifndef MEMTEND_STORAGE_EXPIRE_H
#define MEMTEND_STORAGE_EXPIRE_H

#include "storage/query.h"
#include "storage/store.h"

/* Old ticks and records, at most ten of each. In a transaction. */
int expire_by_age(struct queries *queries, const struct store_limits *limits, uint64_t wall_usec);

/*
 * One step towards giving `excess_bytes` back to the file system. Drops the oldest samples, and
 * events when there are none, until so much and `slack_bytes` more is free inside the file; then
 * cuts the file by the excess. In a transaction. *ret_more false: nothing left to do.
 */
int expire_by_size(struct queries *queries, uint64_t excess_bytes, uint64_t slack_bytes,
                   bool *ret_more);

#endif
