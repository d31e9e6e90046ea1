/* SPDX-License-Identifier: MIT */
/* A hot row goes into the shelf in two walks: the first checks all and gets all memory, the second
 * cannot fail. */
#include "storage/shelf.h"

#include "storage/hot.h"

#include <errno.h>
#include <string.h>

/* What one entry of a hot row takes. */
struct shelf_change {
    size_t size; /* in its log */
    uint64_t present;
    bool same; /* a first tick that says again what holds */
};

struct shelf_walk {
    struct shelf *shelf;
    struct hot_reader hot;
    bool first;      /* tick of a period */
    unsigned offset; /* in its period */
};

/* Of the first tick of a period: all that holds. */
static int shelf_walk_first(struct shelf_walk *walk, const struct shelf_entry *entry,
                            struct shelf_change *ret_change)
{
    struct open_log_row before, after;
    unsigned ticks;
    after.present = 0;
    int r = open_log_decode(&walk->hot.rest, &after, &ticks);
    if (r < 0 || ticks != 0)
        return -EUCLEAN;
    shelf_entry_get(entry, &before);
    *ret_change =
        (struct shelf_change){.present = after.present, .same = open_log_equal(&before, &after)};
    return 0;
}

/* Values are stepped over. */
static int shelf_walk_later(struct shelf_walk *walk, const struct shelf_entry *entry,
                            struct shelf_change *ret_change)
{
    struct varint_reader *rest = &walk->hot.rest;
    const uint8_t *bytes = rest->data;
    struct open_log_head head;
    uint64_t value;
    int r = open_log_read_head(rest, entry->present, &head);
    if (r < 0 || head.ticks != walk->offset - entry->tick)
        return -EUCLEAN;
    for (uint64_t left = head.values; r == 0 && left != 0; left &= left - 1)
        r = varint_read(rest, &value);
    *ret_change =
        (struct shelf_change){.size = (size_t)(rest->data - bytes), .present = head.present};
    return r;
}

/* The log gets the beginning that was put off. */
static int shelf_prepare_log(struct shelf_table *table, struct shelf_entry *entry, size_t size)
{
    if (entry->log)
        return shelf_table_extend(table, &entry->log, size);
    uint8_t base[OPEN_LOG_ENTRY_LIMIT];
    size_t base_size = shelf_entry_base(entry, base);
    int r = shelf_table_extend(table, &entry->log, base_size + size);
    if (r < 0)
        return r;
    memcpy(entry->log->bytes, base, base_size);
    entry->log->size = (uint32_t)base_size;
    return 0;
}

static int shelf_prepare_one(struct shelf_walk *walk)
{
    struct shelf *shelf = walk->shelf;
    struct shelf_entry *entry = shelf_table_find(&shelf->table, walk->hot.row);
    struct shelf_change change = {0};
    int r = entry ? 0 : shelf_table_insert(&shelf->table, walk->hot.row, &entry);
    if (r < 0)
        return r;
    if (entry->pass == shelf->pass)
        return -EUCLEAN;
    entry->pass = shelf->pass;
    r = walk->first ? shelf_walk_first(walk, entry, &change)
                    : shelf_walk_later(walk, entry, &change);
    if (r < 0 || change.same)
        return r;
    r = shelf_settle(shelf, entry);
    if (r == 0)
        r = shelf_table_widen(&shelf->table, &entry,
                              (unsigned)__builtin_popcountll(change.present));
    return r < 0 || walk->first ? r : shelf_prepare_log(&shelf->table, entry, change.size);
}

/* What a first tick does not name no longer holds, but did in the period before. */
static int shelf_prepare_rest(struct shelf *shelf)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < shelf->table.slot_count; i++) {
        struct shelf_entry *entry = shelf->table.slots[i];
        if (entry && entry->pass != shelf->pass)
            r = shelf_settle(shelf, entry);
    }
    return r;
}

static int shelf_prepare(struct shelf_walk walk)
{
    walk.shelf->pass++;
    while (walk.hot.rest.size > 0) {
        int r = hot_next(&walk.hot);
        if (r < 0)
            return r;
        r = shelf_prepare_one(&walk);
        if (r < 0)
            return r;
    }
    return walk.first ? shelf_prepare_rest(walk.shelf) : 0;
}

static void shelf_commit_first(struct varint_reader *rest, struct shelf_entry *entry)
{
    struct open_log_row row;
    unsigned ticks;
    row.present = 0;
    if (open_log_decode(rest, &row, &ticks) == 0)
        shelf_entry_put(entry, &row);
}

static void shelf_commit_later(struct shelf_walk *walk, struct shelf_entry *entry)
{
    const uint8_t *bytes = walk->hot.rest.data;
    struct shelf_log *log = entry->log;
    shelf_entry_sum(entry, walk->offset - entry->tick, log->sums);
    shelf_entry_change(entry, &walk->hot.rest);
    size_t size = (size_t)(walk->hot.rest.data - bytes);
    memcpy(log->bytes + log->size, bytes, size);
    log->size += (uint32_t)size;
    log->number = walk->shelf->number;
    entry->tick = (uint16_t)walk->offset;
}

static void shelf_commit_rest(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->table.slot_count; i++) {
        struct shelf_entry *entry = shelf->table.slots[i];
        if (!entry || entry->pass == shelf->pass)
            continue;
        entry->present = 0;
        shelf_table_narrow(&shelf->table, entry);
    }
    shelf_table_sweep(&shelf->table);
}

static void shelf_commit(struct shelf_walk walk, int64_t tick_id)
{
    struct shelf *shelf = walk.shelf;
    while (walk.hot.rest.size > 0 && hot_next(&walk.hot) == 0) {
        struct shelf_entry *entry = shelf_table_find(&shelf->table, walk.hot.row);
        if (walk.first)
            shelf_commit_first(&walk.hot.rest, entry);
        else
            shelf_commit_later(&walk, entry);
        if (entry->present == 0)
            shelf_table_narrow(&shelf->table, entry);
    }
    if (walk.first)
        shelf_commit_rest(shelf);
    if (walk.first)
        shelf->current.first_tick = tick_id;
    shelf->current.ticks = (unsigned)(tick_id - shelf->current.first_tick) + 1;
    shelf->newest_tick = tick_id;
}

static bool shelf_follows(const struct shelf *shelf, int64_t tick_id, uint64_t ticks_since)
{
    if (tick_id <= shelf->newest_tick)
        return false;
    if (ticks_since == 0)
        return true;
    return shelf->current.ticks > 0 && ticks_since == (uint64_t)(tick_id - shelf->newest_tick) &&
           tick_id / SHELF_PERIOD_TICKS == shelf->current.first_tick / SHELF_PERIOD_TICKS;
}

int shelf_replay(struct shelf *shelf, int64_t tick_id, const void *hot, size_t size)
{
    struct shelf_walk walk = {.shelf = shelf};
    int r = hot_open(&walk.hot, hot, size);
    if (r == 0 && !shelf_follows(shelf, tick_id, walk.hot.ticks_since))
        r = -EUCLEAN;
    walk.first = walk.hot.ticks_since == 0;
    if (r == 0 && walk.first)
        r = shelf_begin_period(shelf);
    if (r < 0)
        return r;
    walk.offset = walk.first ? 0 : (unsigned)(tick_id - shelf->current.first_tick);
    pthread_mutex_lock(&shelf->mutex);
    r = shelf_prepare(walk);
    if (r == 0)
        shelf_commit(walk, tick_id);
    pthread_mutex_unlock(&shelf->mutex);
    return r;
}
