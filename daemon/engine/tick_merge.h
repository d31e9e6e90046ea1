/* SPDX-License-Identifier: MIT */
/*
 * Two ticks become one: what a full queue of ticks does instead of losing one. Every value stays
 * known; only the time of its own of the older tick is given up. Pure.
 */
#ifndef MEMTEND_ENGINE_TICK_MERGE_H
#define MEMTEND_ENGINE_TICK_MERGE_H

#include "model/tick.h"

/*
 * Fold `older` into `newer`, its successor; both have the same capacity. Rows of `older` that
 * `newer` does not have move over, processes and ends too; a process that came and went without
 * ever being stored leaves no trace: its row is above `stored_row`. What does not fit is left out
 * (only when more processes came and went than a tick has room for).
 */
void tick_merge(struct tick *older, struct tick *newer, int64_t stored_row);

#endif
