/* SPDX-License-Identifier: MIT */
/*
 * The read side of memtend.db: one read-only connection, one thread; a query ends at its deadline
 * with -ETIMEDOUT. The connection is opened when first needed, and again when the file was
 * replaced; -ENOENT: there is none yet; -EMEDIUMTYPE: it is another program's database.
 */
#ifndef MEMTEND_STORAGE_HISTORY_H
#define MEMTEND_STORAGE_HISTORY_H

#include "base/cleanup.h"
#include "base/error.h"
#include "model/pin.h"
#include "model/series.h"
#include "model/top.h"

#include <stdint.h>

struct history;
struct shelf;

/* tick_usec: the configured period. `shelf`: what is not in the file yet, of the writer that has
 * it; it must outlive the history. NULL: the file only. */
int history_new(const char *directory, uint64_t tick_usec, struct shelf *shelf,
                struct history **ret_history);
void history_free(struct history *history);
DEFINE_CLEANUP(struct history *, history_free);

/* Monotonic; for every query until it is set again. */
void history_set_deadline(struct history *history, uint64_t mono_usec);
/* Series of processes, for every query until it is set again: only of those that are of this uid;
 * NULL = of everybody's, as in the beginning. A process of others is as if it never was. */
void history_set_owner(struct history *history, const uid_t *uid);
/* Any thread: the query under way and all later ones end with -ETIMEDOUT. */
void history_cancel(struct history *history);

/*
 * Values hold until the next tick. Nothing is known where ticks are missing for more than 2.5
 * periods, before a process was there and after it was gone. A series without any value is left
 * out. Steps of 60 ticks or more are made from minutes of roll-ups, of 3,600 from hours: extremes
 * are in them, but one at the edge of a step may show in the step beside it.
 * Targets: host, a process, a pid (the newest process that had it; its start goes to the answer), a
 * unit or a group: the sum over all that belong to it, or did when they were there last, by the
 * rule of storage/group_sum.h; for an owner of processes too, so who may ask is for the caller to
 * say. -EOPNOTSUPP and -EINVAL with `error` for what cannot be asked; -E2BIG with `error`: more
 * than 16,384 processes in a group, or a clock that was set back so often that too many ticks are
 * of the same time.
 */
int history_series(struct history *history, const struct series_query *query,
                   struct series_result *ret_result, struct error *error);

/*
 * The processes that were largest within a time, the largest first, on the heap. As coarse as the
 * blocks: what a process had up to ten minutes (up to an hour, of past hours) before or after the
 * time counts too. Where samples have expired nothing is known. A mean is over the ticks at which
 * it is known. -EINVAL with `error`; -E2BIG: more than 262,144 processes in that time.
 */
int history_top(struct history *history, const struct top_query *query, size_t *ret_count,
                struct top_process **ret_processes, struct error *error);

#define HISTORY_CURSOR_SIZE 48

/* Lists are newest first. `cursor` "" = from the newest; of another list: -EINVAL. The next one is
 * "" at the end. */
struct history_page {
    size_t limit; /* >= 1 */
    char cursor[HISTORY_CURSOR_SIZE];
    uint64_t from_wall_usec;     /* events, audit; 0 = from the beginning */
    const enum event_kind *kind; /* events; NULL = all */
};

int history_events(struct history *history, const struct history_page *page, size_t *ret_count,
                   struct event **ret_events, char ret_next[static HISTORY_CURSOR_SIZE]);
/* Events that say who asked. */
int history_audit(struct history *history, const struct history_page *page, size_t *ret_count,
                  struct event **ret_events, char ret_next[static HISTORY_CURSOR_SIZE]);
/* One event with what is pinned for it, on the heap; NULL: there is none with this id. */
int history_event_window(struct history *history, int64_t id, struct event_window **ret_window);
int history_receipts(struct history *history, const struct history_page *page, size_t *ret_count,
                     struct receipt **ret_receipts, char ret_next[static HISTORY_CURSOR_SIZE]);
/* One on the heap; NULL: there is none with this id. */
int history_receipt(struct history *history, const char *id, struct receipt **ret_receipt);

#endif
