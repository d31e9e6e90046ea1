/* SPDX-License-Identifier: MIT */
#include "storage/rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A set of column codes. */
struct rollup_codes {
    uint8_t bits[(COLUMNS_CODE_LIMIT + 7) / 8];
};

struct rollup {
    uint8_t presence[BLOCK_PRESENCE_SIZE], part_presence[BLOCK_PRESENCE_SIZE];
    int64_t values[BLOCK_TICKS_LIMIT], part_values[BLOCK_TICKS_LIMIT];
    bool whole; /* all of `values` are known */
    struct column_summary entries[ROLLUP_ENTRIES_LIMIT];
};

int rollup_new(struct rollup **ret_rollup)
{
    struct rollup *rollup = calloc(1, sizeof(*rollup));
    if (!rollup)
        return -ENOMEM;
    *ret_rollup = rollup;
    return 0;
}

void rollup_free(struct rollup *rollup)
{
    free(rollup);
}

static bool rollup_go_together(const struct rollup_part *parts, size_t count)
{
    if (count == 0 || count > ROLLUP_PARTS_LIMIT)
        return false;
    for (size_t i = 1; i < count; i++)
        if (parts[i].block->entry_ticks != parts[0].block->entry_ticks)
            return false;
    return true;
}

/* Which columns there are in any of the parts. */
static struct rollup_codes rollup_codes_of(const struct rollup_part *parts, size_t count)
{
    struct rollup_codes codes = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i].block->column_count; k++)
            block_set_present(codes.bits, parts[i].block->columns[k].code);
    return codes;
}

/* `whole`: all entries of the part are known. */
static void rollup_place(struct rollup *rollup, size_t offset, size_t entries, bool whole)
{
    if (whole) {
        memcpy(rollup->values + offset, rollup->part_values, entries * sizeof(int64_t));
        block_set_run(rollup->presence, offset, entries);
        return;
    }
    for (size_t i = 0; i < entries; i++) {
        if (!block_present(rollup->part_presence, i))
            continue;
        rollup->values[offset + i] = rollup->part_values[i];
        block_set_present(rollup->presence, offset + i);
    }
}

/* One column of all parts, side by side over `span` entries. */
static int rollup_gather(struct rollup *rollup, const struct rollup_part *parts, size_t count,
                         uint16_t code, size_t span)
{
    memset(rollup->presence, 0, sizeof(rollup->presence));
    for (size_t i = 0; i < count; i++) {
        const struct block_column *column = block_find(parts[i].block, code);
        if (!column || parts[i].offset >= span)
            continue;
        int r = block_read(parts[i].block, column, rollup->part_presence, rollup->part_values);
        if (r < 0)
            return r;
        size_t room = span - parts[i].offset;
        size_t entries = parts[i].block->entries < room ? parts[i].block->entries : room;
        rollup_place(rollup, parts[i].offset, entries, column->run_count == 0);
    }
    rollup->whole = block_count_present(rollup->presence, span) == span;
    return 0;
}

/* The known values of some entries in a row; returns how many they are. */
static size_t rollup_pack(struct rollup *rollup, size_t first, size_t end,
                          const int64_t **ret_values)
{
    *ret_values = rollup->values + first;
    if (rollup->whole)
        return end - first;
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        if (block_present(rollup->presence, i))
            rollup->part_values[count++] = rollup->values[i];
    *ret_values = rollup->part_values;
    return count;
}

/* The same column as it is. */
static int rollup_copy_column(struct rollup *rollup, const struct rollup_copy *copy, uint16_t code)
{
    const int64_t *values;
    size_t known = rollup_pack(rollup, copy->first, copy->first + copy->ticks, &values);
    if (known == copy->ticks)
        return block_add(copy->builder, code, NULL, values);
    if (copy->first == 0)
        return block_add(copy->builder, code, rollup->presence, values);
    memset(rollup->part_presence, 0, sizeof(rollup->part_presence));
    for (size_t i = 0; i < copy->ticks; i++)
        if (block_present(rollup->presence, copy->first + i))
            block_set_present(rollup->part_presence, i);
    return block_add(copy->builder, code, rollup->part_presence, values);
}

static int64_t rollup_field(const struct column_summary *entry, enum columns_kind kind)
{
    switch (kind) {
    case COLUMNS_MIN:
        return entry->min;
    case COLUMNS_MAX:
        return entry->max;
    case COLUMNS_LAST:
        return entry->last;
    case COLUMNS_SUM:
        return entry->sum;
    case COLUMNS_VALUE:
    case COLUMNS_COUNT:
    case COLUMNS_KINDS:
        break;
    }
    return (int64_t)entry->count;
}

/* The five columns of a metric. */
static int rollup_add(struct rollup *rollup, uint16_t code, size_t entries,
                      struct block_builder *builder)
{
    memset(rollup->presence, 0, sizeof(rollup->presence));
    for (size_t i = 0; i < entries; i++)
        if (rollup->entries[i].count > 0)
            block_set_present(rollup->presence, i);
    int r = 0;
    for (enum columns_kind kind = COLUMNS_MIN; r == 0 && kind < COLUMNS_KINDS; kind++) {
        size_t count = 0;
        for (size_t i = 0; i < entries; i++)
            if (rollup->entries[i].count > 0)
                rollup->part_values[count++] = rollup_field(&rollup->entries[i], kind);
        r = block_add(builder, columns_of_kind(code, kind), rollup->presence, rollup->part_values);
    }
    return r;
}

static void rollup_summarize(struct rollup *rollup, size_t ticks, size_t entry_ticks,
                             size_t entries)
{
    for (size_t i = 0; i < entries; i++) {
        size_t first = i * entry_ticks;
        size_t end = ticks - first < entry_ticks ? ticks : first + entry_ticks;
        const int64_t *values;
        size_t known = rollup_pack(rollup, first, end, &values);
        if (column_summarize(values, known, &rollup->entries[i]) < 0)
            rollup->entries[i] = (struct column_summary){0};
    }
}

int rollup_ticks(struct rollup *rollup, const struct rollup_part *parts, size_t count, size_t ticks,
                 size_t entry_ticks, struct block_builder *builder, const struct rollup_copy *copy)
{
    if (!rollup_go_together(parts, count) || parts[0].block->entry_ticks != 1 || ticks == 0 ||
        ticks > BLOCK_TICKS_LIMIT || entry_ticks == 0)
        return -ERANGE;
    if (copy && (copy->ticks > ticks || copy->first > ticks - copy->ticks))
        return -ERANGE;
    size_t entries = (ticks + entry_ticks - 1) / entry_ticks;
    if (entries > ROLLUP_ENTRIES_LIMIT)
        return -ERANGE;
    int r = block_begin(builder, entries, entry_ticks);
    if (r == 0 && copy)
        r = block_begin(copy->builder, copy->ticks, 1);
    struct rollup_codes codes = rollup_codes_of(parts, count);
    for (uint16_t code = 1; r == 0 && code < COLUMNS_CODES; code++) {
        if (!block_present(codes.bits, code))
            continue;
        r = rollup_gather(rollup, parts, count, code, ticks);
        if (r == 0 && copy)
            r = rollup_copy_column(rollup, copy, code);
        if (r < 0)
            return r;
        rollup_summarize(rollup, ticks, entry_ticks, entries);
        r = rollup_add(rollup, code, entries, builder);
    }
    return r;
}

static int64_t rollup_sum(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* `entry` is told of by one part more. */
static void rollup_extend(struct column_summary *entry, const struct column_summary *later)
{
    if (entry->count == 0) {
        *entry = *later;
        return;
    }
    entry->min = later->min < entry->min ? later->min : entry->min;
    entry->max = later->max > entry->max ? later->max : entry->max;
    entry->last = later->last;
    entry->sum = rollup_sum(entry->sum, later->sum);
    entry->count += later->count;
}

/* A metric of a whole roll-up, by the heads of its five columns. false: known nowhere in it. */
static bool rollup_whole(const struct block *block, uint16_t code,
                         struct column_summary *ret_summary)
{
    const struct column_summary *heads[COLUMNS_KINDS];
    for (enum columns_kind kind = COLUMNS_MIN; kind < COLUMNS_KINDS; kind++) {
        const struct block_column *column = block_find(block, columns_of_kind(code, kind));
        if (!column)
            return false;
        heads[kind] = &column->summary;
    }
    if (heads[COLUMNS_COUNT]->sum <= 0)
        return false;
    *ret_summary = (struct column_summary){
        .count = (size_t)heads[COLUMNS_COUNT]->sum,
        .min = heads[COLUMNS_MIN]->min,
        .max = heads[COLUMNS_MAX]->max,
        .last = heads[COLUMNS_LAST]->last,
        .sum = heads[COLUMNS_SUM]->sum,
    };
    return true;
}

int rollup_hours(struct rollup *rollup, const struct rollup_part *parts, size_t count,
                 size_t entries, size_t entry_ticks, struct block_builder *builder)
{
    if (!rollup_go_together(parts, count) || entries > ROLLUP_ENTRIES_LIMIT)
        return -ERANGE;
    int r = block_begin(builder, entries, entry_ticks);
    struct rollup_codes codes = rollup_codes_of(parts, count);
    for (uint16_t code = 1; r == 0 && code < COLUMNS_CODES; code++) {
        if (!block_present(codes.bits, columns_of_kind(code, COLUMNS_COUNT)))
            continue;
        memset(rollup->entries, 0, sizeof(rollup->entries));
        for (size_t i = 0; i < count; i++) {
            struct column_summary whole;
            if (parts[i].offset < entries && rollup_whole(parts[i].block, code, &whole))
                rollup_extend(&rollup->entries[parts[i].offset], &whole);
        }
        r = rollup_add(rollup, code, entries, builder);
    }
    return r;
}
