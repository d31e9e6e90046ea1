/* SPDX-License-Identifier: MIT */
/*
 * Which ticks were when, as rows of table span. Reader's side: one thread, that of the connection.
 */
#ifndef MEMTEND_STORAGE_SPAN_ROWS_H
#define MEMTEND_STORAGE_SPAN_ROWS_H

#include "storage/query.h"
#include "storage/tick_set.h"

/* Adds the ticks of every span that reaches into [from, to): a clock may have jumped, so some of
 * them may lie outside. -EUCLEAN: no ticks at all can be these; else as tick_set_add(). */
int span_rows_add(struct queries *queries, int64_t from_usec, int64_t to_usec,
                  struct tick_set *ret_ticks);

#endif
