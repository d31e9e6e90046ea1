/* SPDX-License-Identifier: MIT */
#include "storage/block_walk.h"

#include "base/clock.h"
#include "storage/span_rows.h"

#include <errno.h>

/* A tick before the query may hold into it: the longest period is ten seconds. */
#define BLOCK_WALK_MARGIN_USEC (60 * USEC_PER_SEC)

void block_walk_finish(struct block_walk *walk)
{
    timeline_finish(&walk->timeline);
    tick_set_finish(&walk->ticks);
    *walk = (struct block_walk){0};
}

static enum block_level block_walk_level(uint64_t step_usec, uint64_t tick_usec)
{
    uint64_t ticks = step_usec / tick_usec;
    if (ticks >= 3600)
        return BLOCK_LEVEL_HOURS;
    return ticks >= 60 ? BLOCK_LEVEL_MINUTES : BLOCK_LEVEL_TICKS;
}

static int block_walk_time_ticks(struct block_reader *reader, const struct block_piece *piece,
                                 struct timeline *timeline)
{
    struct block_reader_slot *wall = &reader->slots[0], *gap = &reader->slots[1];
    int r = block_reader_column(reader, piece, COLUMNS_WALL_USEC, wall);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = block_reader_column(reader, piece, COLUMNS_GAP, gap);
    if (r < 0 && r != -ENOENT)
        return r;
    bool gaps = r == 0;
    r = 0;
    for (int64_t tick = piece->ticks.first; r == 0 && tick < piece->ticks.end; tick++) {
        size_t i = (size_t)(tick - piece->block.first);
        if (block_present(wall->presence, i) && wall->values[i] >= 0)
            r = timeline_add_tick(timeline, tick, (uint64_t)wall->values[i],
                                  gaps && block_present(gap->presence, i));
    }
    return r;
}

int block_walk_kinds(struct block_reader *reader, const struct block_piece *piece, uint16_t code)
{
    int r = 0;
    for (enum columns_kind kind = COLUMNS_MIN; r == 0 && kind < COLUMNS_KINDS; kind++)
        r = block_reader_column(reader, piece, columns_of_kind(code, kind),
                                &reader->slots[kind - COLUMNS_MIN]);
    return r;
}

static int64_t block_walk_kind(const struct block_reader *reader, enum columns_kind kind, size_t i)
{
    return reader->slots[kind - COLUMNS_MIN].values[i];
}

bool block_walk_entry(const struct block_reader *reader, size_t i, struct column_summary *ret_entry)
{
    int64_t count = block_walk_kind(reader, COLUMNS_COUNT, i);
    if (!block_present(reader->slots[COLUMNS_COUNT - COLUMNS_MIN].presence, i) || count <= 0)
        return false;
    *ret_entry = (struct column_summary){.count = (size_t)count,
                                         .min = block_walk_kind(reader, COLUMNS_MIN, i),
                                         .max = block_walk_kind(reader, COLUMNS_MAX, i),
                                         .last = block_walk_kind(reader, COLUMNS_LAST, i),
                                         .sum = block_walk_kind(reader, COLUMNS_SUM, i)};
    return true;
}

struct tick_range block_walk_ticks(const struct block_piece *piece, size_t i)
{
    int64_t first = piece->block.first + (int64_t)(i * piece->entry_ticks);
    struct tick_range ticks = {first, first + (int64_t)piece->entry_ticks};
    return tick_range_common(ticks, piece->block);
}

size_t block_walk_first(const struct block_piece *piece)
{
    return (size_t)(piece->ticks.first - piece->block.first) / piece->entry_ticks;
}

/* Beside the wall times, in the slots behind them. */
enum {
    BLOCK_WALK_MONO_FIRST = COLUMNS_KINDS - COLUMNS_MIN,
    BLOCK_WALK_MONO_LAST,
    BLOCK_WALK_GAP,
    BLOCK_WALK_SLOTS
};
_Static_assert(BLOCK_WALK_SLOTS == BLOCK_READER_SLOTS, "a slot for each");

static int block_walk_other_times(struct block_reader *reader, const struct block_piece *piece)
{
    static const struct {
        uint16_t code;
        enum columns_kind kind;
        unsigned slot;
    } others[] = {{COLUMNS_MONO_USEC, COLUMNS_MIN, BLOCK_WALK_MONO_FIRST},
                  {COLUMNS_MONO_USEC, COLUMNS_LAST, BLOCK_WALK_MONO_LAST},
                  {COLUMNS_GAP, COLUMNS_COUNT, BLOCK_WALK_GAP}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct block_reader_slot *slot = &reader->slots[others[i].slot];
        int r = block_reader_column(reader, piece, columns_of_kind(others[i].code, others[i].kind),
                                    slot);
        if (r == -ENOENT)
            *slot = (struct block_reader_slot){0};
        else if (r < 0)
            return r;
    }
    return 0;
}

static int block_walk_time_entries(struct block_reader *reader, const struct block_piece *piece,
                                   struct timeline *timeline)
{
    int r = block_walk_kinds(reader, piece, COLUMNS_WALL_USEC);
    if (r == 0)
        r = block_walk_other_times(reader, piece);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    for (size_t i = block_walk_first(piece); r == 0 && i < piece->entries; i++) {
        struct timeline_entry entry = {
            .ticks = block_walk_ticks(piece, i),
            .wanted = tick_range_common(block_walk_ticks(piece, i), piece->ticks),
            .mono_first_usec = reader->slots[BLOCK_WALK_MONO_FIRST].values[i],
            .mono_last_usec = reader->slots[BLOCK_WALK_MONO_LAST].values[i],
            .gap = block_present(reader->slots[BLOCK_WALK_GAP].presence, i),
        };
        if (tick_range_empty(entry.wanted))
            break;
        if (block_walk_entry(reader, i, &entry.wall))
            r = timeline_add_entry(timeline, &entry);
    }
    return r;
}

static int block_walk_time(struct block_reader *reader, const struct block_piece *piece,
                           void *context)
{
    return piece->entry_ticks == 1 ? block_walk_time_ticks(reader, piece, context)
                                   : block_walk_time_entries(reader, piece, context);
}

static int block_walk_newest(struct block_walk *walk, int64_t *ret_tick)
{
    struct queries *queries = walk->reader->queries;
    sqlite3_stmt *statement;
    int64_t tick = 0;
    int r = query_get(queries, QUERY_SPAN_NEWEST, &statement);
    if (r == 0)
        r = query_value(queries, statement, &tick);
    if (r < 0)
        return r;
    size_t count;
    const struct shelf_copy_piece *copies =
        shelf_copies_find(walk->reader->copies, SHELF_HOST, &count);
    for (size_t i = 0; i < count; i++)
        if (shelf_copy_ticks(&copies[i]).end - 1 > tick)
            tick = shelf_copy_ticks(&copies[i]).end - 1;
    *ret_tick = tick;
    return 0;
}

/* Ticks that may be within the time of the query. */
static int block_walk_spans(const struct block_walk *walk, const struct bucket_grid *grid,
                            struct tick_set *ret_ticks)
{
    int64_t from = (int64_t)grid->from_usec, to;
    if (__builtin_add_overflow((int64_t)grid->to_usec, (int64_t)BLOCK_WALK_MARGIN_USEC, &to))
        to = INT64_MAX;
    return span_rows_add(walk->reader->queries, from - (int64_t)BLOCK_WALK_MARGIN_USEC, to,
                         ret_ticks);
}

static int block_walk_copies(const struct block_walk *walk, struct tick_set *ret_ticks)
{
    size_t count;
    const struct shelf_copy_piece *copies =
        shelf_copies_find(walk->reader->copies, SHELF_HOST, &count);
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tick_set_add(ret_ticks, shelf_copy_ticks(&copies[i]));
    return r;
}

/* Samples of more time than fits the timeline are read as minutes: it was more than once that time,
 * by clocks that were set back. */
static enum block_level block_walk_bounded(enum block_level level, const struct tick_set *ticks)
{
    int64_t count = 0;
    for (size_t i = 0; i < ticks->count; i++)
        count += ticks->ranges[i].end - ticks->ranges[i].first;
    if (level == BLOCK_LEVEL_TICKS && count > TIMELINE_RUNS_LIMIT)
        level = BLOCK_LEVEL_MINUTES;
    if (level == BLOCK_LEVEL_MINUTES && count / 60 > TIMELINE_RUNS_LIMIT)
        level = BLOCK_LEVEL_HOURS;
    return level;
}

static int block_walk_times(struct block_walk *walk, const struct bucket_grid *grid,
                            struct tick_set *candidates)
{
    int64_t newest = 0;
    int r = block_walk_newest(walk, &newest);
    if (r == 0)
        r = block_walk_spans(walk, grid, candidates);
    if (r == 0)
        r = block_walk_copies(walk, candidates);
    if (r < 0)
        return r;
    walk->level = block_walk_bounded(walk->level, candidates);
    for (size_t i = 0; r == 0 && i < candidates->count; i++)
        r = block_reader_visit(walk->reader, SHELF_HOST, candidates->ranges[i], walk->level,
                               block_walk_time, &walk->timeline);
    if (r < 0)
        return r;
    timeline_settle(&walk->timeline, newest, grid->from_usec, grid->to_usec);
    return timeline_ticks(&walk->timeline, &walk->ticks);
}

int block_walk_begin(struct block_walk *walk, struct block_reader *reader,
                     const struct bucket_grid *grid, uint64_t tick_usec)
{
    *walk = (struct block_walk){.reader = reader,
                                .timeline = {.tick_usec = tick_usec},
                                .level = block_walk_level(grid->step_usec, tick_usec)};
    struct tick_set candidates = {0};
    int r = block_walk_times(walk, grid, &candidates);
    tick_set_finish(&candidates);
    if (r < 0)
        block_walk_finish(walk);
    return r;
}

/* ---- the values of a target ---- */

struct block_walk_target {
    const struct timeline *timeline;
    const enum metric *metrics;
    size_t metric_count;
    struct buckets *buckets;
};

/* A value that holds for many ticks in a row goes into the buckets once. */
struct block_walk_held {
    int64_t value;
    uint64_t start_usec, end_usec; /* the same: nothing is held */
};

static void block_walk_hold(struct block_walk_held *held, struct buckets *buckets,
                            const struct block_walk_held *next)
{
    if (held->end_usec == next->start_usec && held->value == next->value &&
        held->start_usec < held->end_usec) {
        held->end_usec = next->end_usec;
        return;
    }
    buckets_add(buckets, held->start_usec, held->end_usec, held->value);
    *held = *next;
}

static void block_walk_add_run(const struct block_reader_slot *slot,
                               const struct block_piece *piece, const struct timeline_run *run,
                               struct block_walk_held *held, struct buckets *buckets)
{
    uint64_t usec = (run->end_usec - run->start_usec) / run->ticks;
    struct tick_range ticks = {run->first_tick, run->first_tick + run->ticks};
    ticks = tick_range_common(ticks, piece->ticks);
    for (int64_t tick = ticks.first; tick < ticks.end; tick++) {
        size_t i = (size_t)(tick - piece->block.first);
        if (!block_present(slot->presence, i))
            continue;
        struct block_walk_held next = {.value = slot->values[i],
                                       .start_usec = run->start_usec +
                                                     (uint64_t)(tick - run->first_tick) * usec};
        next.end_usec = next.start_usec + usec;
        block_walk_hold(held, buckets, &next);
    }
}

static void block_walk_add_ticks(const struct block_reader *reader, const struct block_piece *piece,
                                 const struct timeline *timeline, struct buckets *buckets)
{
    struct block_walk_held held = {0};
    for (size_t k = timeline_find(timeline, piece->ticks.first);
         k < timeline->count && timeline->runs[k].first_tick < piece->ticks.end; k++)
        block_walk_add_run(&reader->slots[0], piece, &timeline->runs[k], &held, buckets);
    buckets_add(buckets, held.start_usec, held.end_usec, held.value);
}

void block_walk_add_entry(const struct timeline *timeline, struct tick_range ticks,
                          const struct bucket_entry *entry, struct buckets *buckets)
{
    for (size_t k = timeline_find(timeline, ticks.first);
         k < timeline->count && timeline->runs[k].first_tick < ticks.end; k++) {
        const struct timeline_run *run = &timeline->runs[k];
        struct tick_range part = {run->first_tick, run->first_tick + run->ticks};
        part = tick_range_common(part, ticks);
        uint64_t usec = run->end_usec - run->start_usec;
        buckets_add_entry(
            buckets, run->start_usec + usec * (uint64_t)(part.first - run->first_tick) / run->ticks,
            run->start_usec + usec * (uint64_t)(part.end - run->first_tick) / run->ticks, entry);
    }
}

static void block_walk_add_entries(const struct block_reader *reader,
                                   const struct block_piece *piece, const struct timeline *timeline,
                                   struct buckets *buckets)
{
    for (size_t i = block_walk_first(piece); i < piece->entries; i++) {
        struct column_summary known;
        struct tick_range ticks = tick_range_common(block_walk_ticks(piece, i), piece->ticks);
        if (tick_range_empty(ticks))
            break;
        if (!block_walk_entry(reader, i, &known))
            continue;
        double share = (double)known.count / (double)(ticks.end - ticks.first);
        const struct bucket_entry entry = {.average = (double)known.sum / (double)known.count,
                                           .share = share < 1 ? share : 1,
                                           .min = known.min,
                                           .max = known.max,
                                           .last = known.last};
        block_walk_add_entry(timeline, ticks, &entry, buckets);
    }
}

static int block_walk_metric(struct block_reader *reader, const struct block_piece *piece,
                             const struct block_walk_target *target, size_t index)
{
    enum metric metric = target->metrics[index];
    if (!metric_is_stored(metric))
        return 0;
    uint16_t code = columns_code(metric);
    int r = piece->entry_ticks == 1 ? block_reader_column(reader, piece, code, &reader->slots[0])
                                    : block_walk_kinds(reader, piece, code);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (piece->entry_ticks == 1)
        block_walk_add_ticks(reader, piece, target->timeline, &target->buckets[index]);
    else
        block_walk_add_entries(reader, piece, target->timeline, &target->buckets[index]);
    return 0;
}

static int block_walk_piece(struct block_reader *reader, const struct block_piece *piece,
                            void *context)
{
    const struct block_walk_target *target = context;
    int r = 0;
    for (size_t i = 0; r == 0 && i < target->metric_count; i++)
        r = block_walk_metric(reader, piece, target, i);
    return r;
}

int block_walk_row(struct block_walk *walk, const struct block_walk_row *row,
                   const enum metric *metrics, size_t metric_count, struct buckets *buckets)
{
    struct block_walk_target target = {.timeline = &walk->timeline,
                                       .metrics = metrics,
                                       .metric_count = metric_count,
                                       .buckets = buckets};
    int r = 0;
    for (size_t i = 0; r == 0 && i < walk->ticks.count; i++) {
        struct tick_range ticks = walk->ticks.ranges[i];
        if (row->last_tick >= ticks.first && row->first_tick < ticks.end)
            r = block_reader_visit(walk->reader, row->row, ticks, walk->level, block_walk_piece,
                                   &target);
    }
    return r;
}
