/* SPDX-License-Identifier: MIT */
#include "storage/connection.h"
#include "storage/outside.h"
#include "storage/sample_walk_state.h"

#include <errno.h>
#include <string.h>

/* As many as a daemon has at most, and the host. */
#define SAMPLE_WALK_SHELF_ROWS 32769

_Static_assert(METRIC_STORED_COUNT <= 64, "a bit for each");

void sample_walk_free(struct sample_walk *walk)
{
    if (!walk)
        return;
    queries_finish(&walk->queries);
    connection_close(walk->database);
    block_reader_free(walk->reader);
    shelf_finish(&walk->shelf);
    shelf_copies_finish(&walk->copies);
    for (size_t i = 0; i < walk->query.target_count; i++)
        target_rows_finish(&walk->rows[i]);
    tick_set_finish(&walk->ticks);
    free(walk->directory);
    free(walk);
}

static int sample_walk_open(struct sample_walk *walk, const char *directory, struct error *error)
{
    walk->directory = strdup(directory);
    int r = walk->directory ? block_reader_new(&walk->reader) : -ENOMEM;
    if (r < 0)
        return outside_fail(directory, r, error);
    r = outside_open(directory, &walk->database, error);
    if (r < 0)
        return r;
    queries_init(&walk->queries, walk->database);
    walk->reader->queries = &walk->queries;
    walk->reader->copies = &walk->copies;
    struct error said = {0};
    r = sample_walk_plan(walk, &said);
    if (r < 0 && said.text[0])
        return error_set(error, r, "%s", said.text);
    return r < 0 ? outside_fail(directory, r, error) : 0;
}

int sample_walk_new(const char *directory, const struct sample_walk_query *query,
                    struct sample_walk **ret_walk, struct error *error)
{
    _cleanup_(sample_walk_freep) struct sample_walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return outside_fail(directory, -ENOMEM, error);
    walk->query = *query;
    shelf_init(&walk->shelf, SAMPLE_WALK_SHELF_ROWS);
    shelf_copies_init(&walk->copies);
    int r = sample_walk_open(walk, directory, error);
    if (r < 0)
        return r;
    walk->page_last = true;
    if (walk->ticks.count > 0)
        walk->next_tick = walk->ticks.ranges[0].first;
    *ret_walk = STEAL(walk);
    return 0;
}

static size_t sample_walk_hour_ticks(const struct sample_walk *walk)
{
    return (size_t)(walk->hour.ticks.end - walk->hour.ticks.first);
}

/* Hours of ticks, as the blocks have them: each is read once. */
static int sample_walk_next_hour(struct sample_walk *walk, bool *ret_more)
{
    while (walk->range < walk->ticks.count &&
           walk->next_tick >= walk->ticks.ranges[walk->range].end)
        if (++walk->range < walk->ticks.count)
            walk->next_tick = walk->ticks.ranges[walk->range].first;
    *ret_more = walk->range < walk->ticks.count;
    if (!*ret_more)
        return 0;
    int64_t first = walk->next_tick;
    struct tick_range hour = {first, (first / BLOCK_TICKS_LIMIT + 1) * BLOCK_TICKS_LIMIT};
    walk->hour.ticks = tick_range_common(hour, walk->ticks.ranges[walk->range]);
    walk->next_tick = walk->hour.ticks.end;
    walk->tick_next = sample_walk_hour_ticks(walk);
    int r = sample_walk_load_times(walk);
    return r < 0 ? r : sample_walk_load_page(walk, -1);
}

/* The next process of which there may be something. */
static int sample_walk_next_process(struct sample_walk *walk, bool *ret_more)
{
    *ret_more = true;
    int r = 0;
    while (r == 0 && *ret_more && walk->page_next == walk->page_count) {
        if (walk->page_last)
            r = sample_walk_next_hour(walk, ret_more);
        else
            r = sample_walk_load_page(walk, walk->page[walk->page_count - 1].row);
    }
    if (r < 0 || !*ret_more)
        return r;
    walk->tick_next = 0;
    return sample_walk_load_process(walk, walk->page[walk->page_next++].row);
}

/* false: the process under way has no row any more. */
static bool sample_walk_take(struct sample_walk *walk, struct sample_row *row)
{
    const struct sample_hour *hour = &walk->hour;
    size_t ticks = sample_walk_hour_ticks(walk), i = walk->tick_next;
    while (i < ticks && !(hour->asked[i] && hour->present[i] != 0))
        i++;
    walk->tick_next = i + 1;
    if (i >= ticks)
        return false;
    row->process = &walk->page[walk->page_next - 1];
    row->tick = hour->ticks.first + (int64_t)i;
    row->wall_usec = hour->wall_usec[i];
    row->present = hour->present[i];
    for (size_t metric = 0; metric < METRIC_STORED_COUNT; metric++)
        row->value[metric] = hour->present[i] >> metric & 1 ? hour->value[metric][i] : 0;
    return true;
}

int sample_walk_next(struct sample_walk *walk, struct sample_row *ret_row, bool *ret_more,
                     struct error *error)
{
    while (walk->tick_next >= sample_walk_hour_ticks(walk) || !sample_walk_take(walk, ret_row)) {
        int r = sample_walk_next_process(walk, ret_more);
        if (r < 0)
            return outside_fail(walk->directory, r, error);
        if (!*ret_more)
            return 0;
    }
    *ret_more = true;
    return 0;
}

double sample_walk_progress(const struct sample_walk *walk)
{
    int64_t all = 0, behind = 0;
    for (size_t i = 0; i < walk->ticks.count; i++) {
        const struct tick_range *range = &walk->ticks.ranges[i];
        all += range->end - range->first;
        if (i < walk->range)
            behind += range->end - range->first;
        else if (i == walk->range)
            behind += walk->hour.ticks.first - range->first;
    }
    /* What an hour is to all, its page is not known to be to the hour. */
    double share = all > 0 ? (double)behind / (double)all : 1;
    return share < 0 ? 0 : share;
}
