/* SPDX-License-Identifier: MIT */
#include "storage/expire.h"

#include "storage/connection.h"

#include <stdio.h>

#define EXPIRE_AGE_STEP     10   /* ticks, events, receipts a call; see store_expire() */
#define EXPIRE_SAMPLES_STEP 4000 /* rows; about 5 ms */
#define EXPIRE_RECORDS_STEP 200
#define EXPIRE_PAGES_STEP   256 /* 1 MiB moved and cut */

/* Everything before the tick: its samples first, so that a sample always has its tick. */
static int expire_ticks(struct queries *queries, int64_t tick)
{
    static const enum query steps[] = {QUERY_SAMPLE_EXPIRE, QUERY_TICK_EXPIRE,
                                       QUERY_PROCESS_EXPIRE};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        sqlite3_stmt *statement;
        int r = query_get(queries, steps[i], &statement);
        if (r < 0)
            return r;
        query_bind(statement, ":tick", tick);
        r = query_run(queries, statement);
        if (r < 0)
            return r;
    }
    return 0;
}

static int expire_old_ticks(struct queries *queries, uint64_t before_wall_usec)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_TICK_AGED, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":limit", EXPIRE_AGE_STEP);
    query_bind(statement, ":wall_usec", (int64_t)before_wall_usec);
    int64_t tick = 0;
    r = query_value(queries, statement, &tick);
    return r < 0 || tick == 0 ? r : expire_ticks(queries, tick);
}

static int expire_records(struct queries *queries, enum query query, uint64_t before_wall_usec,
                          int64_t limit)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":wall_usec", (int64_t)before_wall_usec);
    query_bind(statement, ":limit", limit);
    return query_run(queries, statement);
}

static uint64_t expire_before(uint64_t wall_usec, uint64_t age_usec)
{
    return wall_usec > age_usec ? wall_usec - age_usec : 0;
}

int expire_by_age(struct queries *queries, const struct store_limits *limits, uint64_t wall_usec)
{
    int r = expire_old_ticks(queries, expire_before(wall_usec, limits->samples_usec));
    uint64_t before = expire_before(wall_usec, limits->events_usec);
    if (r == 0)
        r = expire_records(queries, QUERY_EVENT_EXPIRE, before, EXPIRE_AGE_STEP);
    if (r == 0)
        r = expire_records(queries, QUERY_RECEIPT_EXPIRE, before, EXPIRE_AGE_STEP);
    return r;
}

/* The tick up to which the oldest few rows reach, and never more ticks than rows. */
static int expire_choose(struct queries *queries, int64_t *ret_tick)
{
    sqlite3_stmt *statement;
    int64_t oldest = 0, end = INT64_MAX;
    int r = query_get(queries, QUERY_TICK_OLDEST, &statement);
    if (r == 0)
        r = query_value(queries, statement, &oldest);
    if (r == 0)
        r = query_get(queries, QUERY_SAMPLE_NTH, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":rows", EXPIRE_SAMPLES_STEP);
    r = query_value(queries, statement, &end);
    if (r < 0)
        return r;
    if (oldest == 0)
        end = 0;
    else if (end <= oldest)
        end = oldest + 1;
    else if (end > oldest + EXPIRE_SAMPLES_STEP)
        end = oldest + EXPIRE_SAMPLES_STEP;
    *ret_tick = end;
    return 0;
}

static int expire_oldest(struct queries *queries, bool *ret_more)
{
    int64_t tick = 0;
    int r = expire_choose(queries, &tick);
    if (r < 0)
        return r;
    *ret_more = true;
    if (tick > 0)
        return expire_ticks(queries, tick);
    int before = sqlite3_total_changes(queries->database);
    r = expire_records(queries, QUERY_EVENT_EXPIRE, INT64_MAX, EXPIRE_RECORDS_STEP);
    if (r == 0)
        r = expire_records(queries, QUERY_RECEIPT_EXPIRE, INT64_MAX, EXPIRE_RECORDS_STEP);
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
