/* SPDX-License-Identifier: MIT */
/*
 * Two ticks become one: what a full queue of ticks does instead of losing one. Their values are
 * taken in already; which processes came and went stays known. Pure.
 */
#ifndef MEMTEND_ENGINE_TICK_MERGE_H
#define MEMTEND_ENGINE_TICK_MERGE_H

#include "model/tick.h"

/*
 * Fold `older` into `newer`, its successor; both have the same capacity. Processes and ends move
 * over; a process that came and went without ever being stored leaves no trace: its row is above
 * `stored_row`. What does not fit is left out (only when more processes came and went than a tick
 * has room for).
 */
void tick_merge(struct tick *older, struct tick *newer, int64_t stored_row);

#endif
