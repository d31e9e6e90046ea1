/* SPDX-License-Identifier: MIT */
/*
 * The named queries of sql/queries, prepared once per connection when first used. A statement is
 * borrowed with query_get() and given back with query_reset() (_cleanup_ does it). Values are
 * bound and read by name and position; text is not copied, so it must live until the statement is
 * done. One thread at a time.
 */
#ifndef MEMTEND_STORAGE_QUERY_H
#define MEMTEND_STORAGE_QUERY_H

#include "base/cleanup.h"
#include "model/metric.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define QUERY_TABLE(X)                                                                             \
    X(BEGIN, "begin.sql")                                                                          \
    X(COMMIT, "commit.sql")                                                                        \
    X(BOOT_INSERT, "boot_insert.sql")                                                              \
    X(BOOT_FIND, "boot_find.sql")                                                                  \
    X(TICK_NEWEST, "tick_newest.sql")                                                              \
    X(HOT_PUT, "hot_put.sql")                                                                      \
    X(HOT_DROP, "hot_drop.sql")                                                                    \
    X(HOT_LIST, "hot_list.sql")                                                                    \
    X(HOT_READ, "hot_read.sql")                                                                    \
    X(HOT_NEEDED, "hot_needed.sql")                                                                \
    X(SPAN_WALL, "span_wall.sql")                                                                  \
    X(SPAN_PUT, "span_put.sql")                                                                    \
    X(BLOCK_PUT, "block_put.sql")                                                                  \
    X(BLOCK_MAX, "block_max.sql")                                                                  \
    X(BLOCK_OLDEST, "block_oldest.sql")                                                            \
    X(BLOCK_PARTS, "block_parts.sql")                                                              \
    X(BLOCK_DROP, "block_drop.sql")                                                                \
    X(BLOCK_HOUR_PUT, "block_hour_put.sql")                                                        \
    X(BLOCK_HOUR_MAX, "block_hour_max.sql")                                                        \
    X(ROLLUP_MINUTE_PUT, "rollup_minute_put.sql")                                                  \
    X(ROLLUP_MINUTE_MAX, "rollup_minute_max.sql")                                                  \
    X(ROLLUP_MINUTE_PARTS, "rollup_minute_parts.sql")                                              \
    X(ROLLUP_MINUTE_NEXT, "rollup_minute_next.sql")                                                \
    X(ROLLUP_MINUTE_FROM, "rollup_minute_from.sql")                                                \
    X(ROLLUP_HOUR_LAST, "rollup_hour_last.sql")                                                    \
    X(ROLLUP_HOUR_PUT, "rollup_hour_put.sql")                                                      \
    X(ROLLUP_HOUR_MAX, "rollup_hour_max.sql")                                                      \
    X(BLOCK_EXPIRE, "block_expire.sql")                                                            \
    X(BLOCK_HOUR_EXPIRE, "block_hour_expire.sql")                                                  \
    X(ROLLUP_MINUTE_EXPIRE, "rollup_minute_expire.sql")                                            \
    X(ROLLUP_HOUR_EXPIRE, "rollup_hour_expire.sql")                                                \
    X(SPAN_EXPIRE, "span_expire.sql")                                                              \
    X(DATA_OLDEST, "data_oldest.sql")                                                              \
    X(PINNED_SAMPLE_PUT, "pinned_sample_put.sql")                                                  \
    X(PIN_BLOCKS, "pin_blocks.sql")                                                                \
    X(PROCESS_PUT, "process_put.sql")                                                              \
    X(PROCESS_END, "process_end.sql")                                                              \
    X(PROCESS_CLOSE, "process_close.sql")                                                          \
    X(PROCESS_MAX, "process_max.sql")                                                              \
    X(PROCESS_EXPIRE, "process_expire.sql")                                                        \
    X(PROCESS_FIND, "process_find.sql")                                                            \
    X(PROCESS_FIND_PID, "process_find_pid.sql")                                                    \
    X(PROCESS_ROWS, "process_rows.sql")                                                            \
    X(PROCESS_UNIT, "process_unit.sql")                                                            \
    X(PROCESS_GROUP, "process_group.sql")                                                          \
    X(SPAN_AT, "span_at.sql")                                                                      \
    X(PROCESS_WALK, "process_walk.sql")                                                            \
    X(SAMPLE_OLDEST, "sample_oldest.sql")                                                          \
    X(PROCESS_GET, "process_get.sql")                                                              \
    X(TOP_HOURS_RSS, "top_hours_rss.sql")                                                          \
    X(TOP_HOURS_PSS, "top_hours_pss.sql")                                                          \
    X(TOP_PERIODS_RSS, "top_periods_rss.sql")                                                      \
    X(TOP_PERIODS_PSS, "top_periods_pss.sql")                                                      \
    X(SPAN_READ, "span_read.sql")                                                                  \
    X(SPAN_NEWEST, "span_newest.sql")                                                              \
    X(BLOCK_READ, "block_read.sql")                                                                \
    X(BLOCK_HOUR_READ, "block_hour_read.sql")                                                      \
    X(ROLLUP_MINUTE_READ, "rollup_minute_read.sql")                                                \
    X(ROLLUP_HOUR_READ, "rollup_hour_read.sql")                                                    \
    X(EVENT_PUT, "event_put.sql")                                                                  \
    X(EVENT_MAX, "event_max.sql")                                                                  \
    X(EVENT_GET, "event_get.sql")                                                                  \
    X(EVENT_LIST, "event_list.sql")                                                                \
    X(EVENT_LIST_KIND, "event_list_kind.sql")                                                      \
    X(AUDIT_LIST, "audit_list.sql")                                                                \
    X(EVENT_EXPIRE, "event_expire.sql")                                                            \
    X(PIN_INSERT, "pin_insert.sql")                                                                \
    X(PIN_COUNT, "pin_count.sql")                                                                  \
    X(PIN_EXPIRE, "pin_expire.sql")                                                                \
    X(PIN_EXPIRE_OLDEST, "pin_expire_oldest.sql")                                                  \
    X(PIN_LIST, "pin_list.sql")                                                                    \
    X(PIN_SAMPLES, "pin_samples.sql")                                                              \
    X(RECEIPT_PUT, "receipt_put.sql")                                                              \
    X(RECEIPT_STEPS_DELETE, "receipt_steps_delete.sql")                                            \
    X(RECEIPT_STEP_INSERT, "receipt_step_insert.sql")                                              \
    X(RECEIPT_GET, "receipt_get.sql")                                                              \
    X(RECEIPT_LIST, "receipt_list.sql")                                                            \
    X(RECEIPT_STEPS, "receipt_steps.sql")                                                          \
    X(RECEIPT_EXPIRE, "receipt_expire.sql")                                                        \
    X(RULE_PUT, "rule_put.sql")                                                                    \
    X(RULE_DELETE, "rule_delete.sql")                                                              \
    X(RULE_LIST, "rule_list.sql")                                                                  \
    X(ARMING_PUT, "arming_put.sql")                                                                \
    X(ARMING_DELETE, "arming_delete.sql")                                                          \
    X(ARMING_LIST, "arming_list.sql")                                                              \
    X(SETTING_PUT, "setting_put.sql")                                                              \
    X(SETTING_DELETE, "setting_delete.sql")                                                        \
    X(SETTING_LIST, "setting_list.sql")

enum query {
#define X(id, file) QUERY_##id,
    QUERY_TABLE(X)
#undef X
        QUERY_COUNT,
};

struct queries {
    sqlite3 *database;
    sqlite3_stmt *prepared[QUERY_COUNT];
};

const char *query_name(enum query query); /* its file */

void queries_init(struct queries *queries, sqlite3 *database);
void queries_finish(struct queries *queries);

/* Ready to bind. */
int query_get(struct queries *queries, enum query query, sqlite3_stmt **ret_statement);
void query_reset(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt *, query_reset);

/* Names with their colon. The value -1 of the model's "unknown" fields: query_bind_known(). */
void query_bind(sqlite3_stmt *statement, const char *name, int64_t value);
/* The bytes must live until the statement is done. */
void query_bind_blob(sqlite3_stmt *statement, const char *name, const void *data, size_t size);
void query_bind_text(sqlite3_stmt *statement, const char *name, const char *text);
void query_bind_known(sqlite3_stmt *statement, const char *name, bool known, int64_t value);
/* Positions of the parameters ":<JSON name>" of `count` metrics from `first` on. */
void query_metric_positions(sqlite3_stmt *statement, enum metric first, size_t count,
                            int *ret_positions);

/* For a statement without rows: run it to its end and reset it. */
int query_run(struct queries *queries, sqlite3_stmt *statement);
/* Next row. */
int query_next(struct queries *queries, sqlite3_stmt *statement, bool *ret_row);
/* First column of the first row; *ret_value untouched when there is none or it is NULL. */
int query_value(struct queries *queries, sqlite3_stmt *statement, int64_t *ret_value);

void query_column_text(sqlite3_stmt *statement, int column, char *ret_text, size_t size);
int64_t query_column_known(sqlite3_stmt *statement, int column); /* NULL: -1 */

#endif
