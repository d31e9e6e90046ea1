/* SPDX-License-Identifier: MIT */
#include "storage/history_group.h"

#include "storage/group_sum.h"

#include <errno.h>

struct history_group {
    struct group_sum sum;
    uint16_t code;
};

static void history_group_ticks(struct history_group *group, const struct block_reader *reader,
                                const struct block_piece *piece)
{
    const struct block_reader_slot *slot = &reader->slots[0];
    for (int64_t tick = piece->ticks.first; tick < piece->ticks.end; tick++) {
        size_t i = (size_t)(tick - piece->block.first);
        if (block_present(slot->presence, i))
            group_sum_tick(&group->sum, tick, slot->values[i]);
    }
}

static void history_group_entries(struct history_group *group, const struct block_reader *reader,
                                  const struct block_piece *piece)
{
    for (size_t i = block_walk_first(piece); i < piece->entries; i++) {
        struct column_summary known;
        struct tick_range ticks = tick_range_common(block_walk_ticks(piece, i), piece->ticks);
        if (tick_range_empty(ticks))
            return;
        if (block_walk_entry(reader, i, &known))
            group_sum_entry(&group->sum, ticks, &known);
    }
}

static int history_group_piece(struct block_reader *reader, const struct block_piece *piece,
                               void *context)
{
    struct history_group *group = context;
    bool ticks = piece->entry_ticks == 1;
    int r = ticks ? block_reader_column(reader, piece, group->code, &reader->slots[0])
                  : block_walk_kinds(reader, piece, group->code);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (ticks)
        history_group_ticks(group, reader, piece);
    else
        history_group_entries(group, reader, piece);
    return 0;
}

static int history_group_row(struct history_group *group, struct block_walk *walk,
                             const struct block_walk_row *row)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < walk->ticks.count; i++) {
        struct tick_range ticks = walk->ticks.ranges[i];
        if (row->last_tick >= ticks.first && row->first_tick < ticks.end)
            r = block_reader_visit(walk->reader, row->row, ticks, walk->level, history_group_piece,
                                   group);
    }
    return r;
}

/* From when on the group was seen: who came later was not there when the daemon started. */
static int64_t history_group_begin(const struct target_rows *rows)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < rows->count; i++)
        first = rows->rows[i].first_tick < first ? rows->rows[i].first_tick : first;
    return first;
}

static int history_group_members(struct history *history, struct history_group *group,
                                 struct block_walk *walk, const struct target_rows *rows,
                                 bool shared)
{
    int64_t begin = history_group_begin(rows);
    for (size_t i = 0, k; i < rows->count; i = k) {
        const struct block_walk_row *first = &rows->rows[i];
        struct tick_range life = {first->first_tick, first->first_tick};
        int r = history_check(history);
        for (k = i; r == 0 && k < rows->count && rows->rows[k].member == first->member; k++) {
            int64_t last = rows->rows[k].last_tick;
            life.end = last < INT64_MAX ? last + 1 : INT64_MAX;
            r = history_group_row(group, walk, &rows->rows[k]);
        }
        if (r < 0)
            return r;
        group_sum_member_end(&group->sum, life, !shared || life.first == begin);
    }
    return 0;
}

static int64_t history_group_slot(enum block_level level)
{
    static const int64_t ticks[] = {
        [BLOCK_LEVEL_TICKS] = 1, [BLOCK_LEVEL_MINUTES] = 60, [BLOCK_LEVEL_HOURS] = 3600};
    return ticks[level];
}

int history_group_metric(struct history *history, struct block_walk *walk,
                         const struct target_rows *rows, enum metric metric,
                         struct buckets *buckets)
{
    struct history_group group = {.code = columns_code(metric)};
    int r = group_sum_init(&group.sum, &walk->ticks, history_group_slot(walk->level));
    if (r < 0)
        return r;
    r = history_group_members(history, &group, walk, rows,
                              metric == METRIC_PSS || metric == METRIC_SWAP_PSS);
    for (size_t i = 0; r == 0 && i < group.sum.count; i++) {
        struct tick_range ticks;
        struct bucket_entry entry;
        if (group_sum_slot(&group.sum, i, &ticks, &entry))
            block_walk_add_entry(&walk->timeline, ticks, &entry, buckets);
    }
    group_sum_finish(&group.sum);
    return r;
}
