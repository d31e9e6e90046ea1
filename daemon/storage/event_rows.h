/* SPDX-License-Identifier: MIT */
/*
 * Events as rows of their table. One thread at a time, that of the connection.
 */
#ifndef MEMTEND_STORAGE_EVENT_ROWS_H
#define MEMTEND_STORAGE_EVENT_ROWS_H

#include "model/event.h"
#include "storage/query.h"

int event_rows_put(struct queries *queries, int64_t boot, const struct event *event);
/* Up to `limit` rows of a bound event_list, event_list_kind or audit_list, on the heap. The
 * statement's own limit is higher: *ret_more says whether there is another row. */
int event_rows_read(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                    size_t *ret_count, struct event **ret_events, bool *ret_more);

#endif
