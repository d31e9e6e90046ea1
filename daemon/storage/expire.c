/* SPDX-License-Identifier: MIT */
#include "storage/expire.h"

#include "base/clock.h"
#include "storage/connection.h"

#include <stdio.h>

#define EXPIRE_AGE_STEP     10 /* events, receipts a call; see store_expire() */
#define EXPIRE_BLOCKS_STEP  64 /* rows of a table a call; about 1 ms */
#define EXPIRE_RECORDS_STEP 200
#define EXPIRE_PAGES_STEP   256 /* 1 MiB moved and cut */
#define EXPIRE_SPARE_PART   4   /* of the file that may be empty without being given back */
#define EXPIRE_BELIEF_USEC  (UINT64_C(24) * 3600 * USEC_PER_SEC)
#define EXPIRE_LOAD_USEC    (3 * EXPIRE_BELIEF_USEC) /* of ticks that tell what was believed */
#define EXPIRE_STEP_USEC    (60 * USEC_PER_SEC)      /* no jump: a clock that is being set */

void expire_clock_begin(struct expire_clock *clock, uint64_t wall_usec, uint64_t mono_usec)
{
    *clock = (struct expire_clock){.wall_usec = wall_usec, .mono_usec = mono_usec};
}

uint64_t expire_clock_read(struct expire_clock *clock, uint64_t mono_usec, uint64_t wall_usec)
{
    uint64_t ran = mono_usec - clock->mono_usec;
    clock->mono_usec = mono_usec;
    bool ahead = clock->wall_usec > 0 && wall_usec > clock->wall_usec + ran + EXPIRE_STEP_USEC;
    clock->ahead_usec = ahead ? clock->ahead_usec + ran : 0;
    if (ahead && clock->ahead_usec <= EXPIRE_BELIEF_USEC) {
        clock->wall_usec += ran;
        return clock->wall_usec;
    }
    clock->ahead_usec = 0;
    clock->wall_usec = wall_usec;
    return wall_usec;
}

int expire_clock_load(struct expire_clock *clock, struct queries *queries, int64_t newest_tick,
                      uint64_t tick_usec, uint64_t mono_usec)
{
    sqlite3_stmt *statement;
    expire_clock_begin(clock, 0, 0);
    int r = query_get(queries, QUERY_SPAN_WALL, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", newest_tick - (int64_t)(EXPIRE_LOAD_USEC / tick_usec));
    bool row = true;
    while (r == 0 && row) {
        r = query_next(queries, statement, &row);
        if (r == 0 && row)
            expire_clock_read(clock, (uint64_t)sqlite3_column_int64(statement, 0) * tick_usec,
                              (uint64_t)sqlite3_column_int64(statement, 1));
    }
    query_reset(statement);
    clock->mono_usec = mono_usec;
    return r;
}

/* ---- blocks ---- */

static int expire_rows(struct queries *queries, enum query query, int64_t before_tick)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", before_tick);
    query_bind(statement, ":limit", EXPIRE_BLOCKS_STEP);
    return query_run(queries, statement);
}

static int expire_before_tick(struct queries *queries, enum query query, int64_t tick)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", tick);
    return query_run(queries, statement);
}

/* When something was, and who was there, is known as long as anything of it is. */
static int expire_context(struct queries *queries)
{
    sqlite3_stmt *statement;
    int64_t oldest = INT64_MAX;
    int r = query_get(queries, QUERY_DATA_OLDEST, &statement);
    if (r == 0)
        r = query_value(queries, statement, &oldest);
    if (r < 0 || oldest == INT64_MAX)
        return r;
    r = expire_before_tick(queries, QUERY_SPAN_EXPIRE, oldest);
    return r < 0 ? r : expire_before_tick(queries, QUERY_PROCESS_EXPIRE, oldest);
}

static int expire_old_blocks(struct queries *queries, const struct store_limits *limits,
                             const struct expire_now *now)
{
    const struct {
        enum query query;
        uint64_t age_usec;
    } tables[] = {
        {QUERY_BLOCK_EXPIRE, limits->samples_usec},
        {QUERY_BLOCK_HOUR_EXPIRE, limits->samples_usec},
        {QUERY_ROLLUP_MINUTE_EXPIRE, limits->minutes_usec},
        {QUERY_ROLLUP_HOUR_EXPIRE, limits->hours_usec},
    };
    int before = sqlite3_total_changes(queries->database), r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
        r = expire_rows(queries, tables[i].query,
                        now->newest_tick - (int64_t)(tables[i].age_usec / now->tick_usec));
    if (r < 0 || sqlite3_total_changes(queries->database) == before)
        return r;
    return expire_context(queries);
}

/* ---- events ---- */

static int expire_records(struct queries *queries, enum query query, uint64_t before_wall_usec,
                          uint64_t wall_usec, int64_t limit)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":wall_usec", (int64_t)before_wall_usec);
    query_bind(statement, ":now_usec", (int64_t)wall_usec);
    query_bind(statement, ":limit", limit);
    return query_run(queries, statement);
}

static uint64_t expire_before(uint64_t wall_usec, uint64_t age_usec)
{
    return wall_usec > age_usec ? wall_usec - age_usec : 0;
}

int expire_by_age(struct queries *queries, const struct store_limits *limits,
                  const struct expire_now *now, bool *ret_more)
{
    int changes = sqlite3_total_changes(queries->database);
    int r = expire_old_blocks(queries, limits, now);
    uint64_t before = expire_before(now->wall_usec, limits->events_usec);
    if (r == 0)
        r = expire_records(queries, QUERY_EVENT_EXPIRE, before, now->wall_usec, EXPIRE_AGE_STEP);
    if (r == 0)
        r = expire_records(queries, QUERY_RECEIPT_EXPIRE, before, now->wall_usec, EXPIRE_AGE_STEP);
    if (r == 0)
        *ret_more = sqlite3_total_changes(queries->database) > changes;
    return r;
}

/* ---- size ---- */

/* The first table that still has something loses some; samples cost most and tell least of long
 * ago. */
static int expire_oldest(struct queries *queries, bool *ret_more)
{
    static const enum query tables[] = {QUERY_BLOCK_HOUR_EXPIRE, QUERY_BLOCK_EXPIRE,
                                        QUERY_ROLLUP_MINUTE_EXPIRE, QUERY_ROLLUP_HOUR_EXPIRE};
    int before = sqlite3_total_changes(queries->database);
    *ret_more = true;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        int r = expire_rows(queries, tables[i], INT64_MAX);
        if (r < 0)
            return r;
        if (sqlite3_total_changes(queries->database) > before)
            return expire_context(queries);
    }
    int r = expire_records(queries, QUERY_EVENT_EXPIRE, INT64_MAX, INT64_MAX, EXPIRE_RECORDS_STEP);
    if (r == 0)
        r = expire_records(queries, QUERY_RECEIPT_EXPIRE, INT64_MAX, INT64_MAX,
                           EXPIRE_RECORDS_STEP);
    *ret_more = sqlite3_total_changes(queries->database) > before;
    return r;
}

static int expire_cut(struct queries *queries, uint64_t pages)
{
    char pragma[64];
    snprintf(pragma, sizeof(pragma), "PRAGMA incremental_vacuum(%d)",
             pages < EXPIRE_PAGES_STEP ? (int)pages : EXPIRE_PAGES_STEP);
    return connection_run(queries->database, pragma);
}

int expire_spare(struct queries *queries, bool *ret_more)
{
    int64_t free_pages = 0, pages = 0;
    int r = connection_number(queries->database, "PRAGMA freelist_count", &free_pages);
    if (r == 0)
        r = connection_number(queries->database, "PRAGMA page_count", &pages);
    if (r < 0)
        return r;
    *ret_more = free_pages > EXPIRE_PAGES_STEP && free_pages > pages / EXPIRE_SPARE_PART;
    return *ret_more ? expire_cut(queries, EXPIRE_PAGES_STEP) : 0;
}

int expire_by_size(struct queries *queries, uint64_t excess_bytes, uint64_t slack_bytes,
                   bool *ret_more)
{
    int64_t free_pages = 0, page_size = 4096;
    int r = connection_number(queries->database, "PRAGMA freelist_count", &free_pages);
    if (r == 0)
        r = connection_number(queries->database, "PRAGMA page_size", &page_size);
    if (r < 0)
        return r;
    bool dropped = false;
    if ((uint64_t)(free_pages * page_size) < excess_bytes + slack_bytes)
        r = expire_oldest(queries, &dropped);
    if (r == 0 && !dropped)
        r = expire_cut(queries, excess_bytes / (uint64_t)page_size + 1);
    if (r == 0)
        *ret_more = dropped || free_pages > EXPIRE_PAGES_STEP;
    return r;
}
