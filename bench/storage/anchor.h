/* SPDX-License-Identifier: MIT */
/*
 * What storing is compared with: the least that is safe against a kill. One blob of 4 KiB a tick,
 * committed in WAL, made durable as often as the daemon does, in a database of its own.
 */
#ifndef MEMTEND_BENCH_STORAGE_ANCHOR_H
#define MEMTEND_BENCH_STORAGE_ANCHOR_H

#include "bench/storage/written.h"

struct anchor;

int anchor_new(const char *directory, struct anchor **ret_anchor);
void anchor_free(struct anchor *anchor);
/* So many ticks more; what they took is added to the meter. */
int anchor_run(struct anchor *anchor, size_t ticks, struct meter *meter);

#endif
