/* SPDX-License-Identifier: MIT */
#include "storage/shelf.h"

#include "storage/hot.h"

#include <errno.h>
#include <string.h>

void shelf_init(struct shelf *shelf, size_t rows_limit)
{
    memset(shelf, 0, sizeof(*shelf));
    shelf_table_init(&shelf->table, rows_limit);
    pthread_mutex_init(&shelf->mutex, NULL);
}

void shelf_finish(struct shelf *shelf)
{
    shelf_table_finish(&shelf->table);
    pthread_mutex_destroy(&shelf->mutex);
}

/* One tick on its way into a hot row. It only reads the shelf: what is written is then played back
 * into it, so that a replay cannot differ. */
struct shelf_tick {
    struct shelf *shelf;
    struct hot_writer hot;
    bool first;      /* of its period: everything that holds is written */
    unsigned offset; /* in its period */
    size_t new_rows; /* of this tick */
    uint64_t refused_rows;
};

/* `entry` NULL: it was not there before. */
static int shelf_tick_put(struct shelf_tick *tick, const struct shelf_entry *entry, int64_t row,
                          const struct open_log_row *after)
{
    struct open_log_row before;
    before.present = 0;
    if (entry && !tick->first)
        shelf_entry_get(entry, &before);
    uint8_t bytes[OPEN_LOG_ENTRY_LIMIT];
    unsigned ticks = tick->first ? 0 : tick->offset - (entry ? entry->tick : 0);
    size_t size = open_log_encode(&before, after, ticks, bytes);
    return size > 0 ? hot_add(&tick->hot, row, bytes, size) : 0;
}

/* -EINVAL: it was there in this tick. */
static int shelf_tick_mark(const struct shelf_tick *tick, struct shelf_entry *entry)
{
    if (entry->pass == tick->shelf->pass)
        return -EINVAL;
    entry->pass = tick->shelf->pass;
    return 0;
}

static int shelf_tick_host(struct shelf_tick *tick, const struct tick *from, bool gap)
{
    struct open_log_row after;
    open_log_host(from, gap, &after);
    struct shelf_entry *entry = shelf_table_find(&tick->shelf->table, SHELF_HOST);
    if (entry)
        entry->pass = tick->shelf->pass;
    else
        tick->new_rows++;
    return shelf_tick_put(tick, entry, SHELF_HOST, &after);
}

static int shelf_tick_row(struct shelf_tick *tick, const struct tick_row *row)
{
    if (row->row <= SHELF_HOST)
        return -EINVAL;
    const struct shelf_table *table = &tick->shelf->table;
    struct shelf_entry *entry = shelf_table_find(table, row->row);
    int r = entry ? shelf_tick_mark(tick, entry) : 0;
    if (r < 0)
        return r;
    if (!entry && table->rows + tick->new_rows >= table->rows_limit) {
        tick->refused_rows++;
        return 0;
    }
    struct open_log_row after;
    open_log_process(row, &after);
    if (!entry && after.present)
        tick->new_rows++;
    return shelf_tick_put(tick, entry, row->row, &after);
}

/* One that is not written in the first tick of a period does not hold there. */
static int shelf_tick_end(struct shelf_tick *tick, int64_t row)
{
    static const struct open_log_row nothing;
    struct shelf_entry *entry = shelf_table_find(&tick->shelf->table, row);
    if (!entry || row == SHELF_HOST)
        return 0;
    int r = shelf_tick_mark(tick, entry);
    return r < 0 || tick->first ? r : shelf_tick_put(tick, entry, row, &nothing);
}

/* All that holds and has not come up in this tick. */
static int shelf_tick_carry(struct shelf_tick *tick)
{
    const struct shelf_table *table = &tick->shelf->table;
    int r = 0;
    for (size_t i = 0; r == 0 && i < table->slot_count; i++) {
        const struct shelf_entry *entry = table->slots[i];
        if (!entry || entry->pass == tick->shelf->pass || entry->present == 0)
            continue;
        struct open_log_row row;
        shelf_entry_get(entry, &row);
        r = shelf_tick_put(tick, entry, entry->row, &row);
    }
    return r;
}

static int shelf_tick_write(struct shelf_tick *tick, const struct tick *from, bool gap)
{
    tick->shelf->pass++;
    int r = shelf_tick_host(tick, from, gap);
    for (size_t i = 0; r == 0 && i < from->row_count; i++)
        r = shelf_tick_row(tick, &from->rows[i]);
    for (size_t i = 0; r == 0 && i < from->ended_count; i++)
        r = shelf_tick_end(tick, from->ended[i]);
    return r == 0 && tick->first ? shelf_tick_carry(tick) : r;
}

static int shelf_take_tick(struct shelf *shelf, int64_t tick_id, const struct tick *from, bool gap,
                           struct buffer *hot)
{
    struct shelf_tick tick = {.shelf = shelf, .first = shelf->current.ticks == 0};
    tick.offset = tick.first ? 0 : (unsigned)(tick_id - shelf->current.first_tick);
    size_t start = hot->size;
    int r = hot_begin(&tick.hot, hot, tick.first ? 0 : (uint64_t)(tick_id - shelf->newest_tick));
    if (r == 0)
        r = shelf_tick_write(&tick, from, gap);
    if (r == 0)
        r = shelf_replay(shelf, tick_id, hot->data + start, hot->size - start);
    if (r < 0)
        return r;
    pthread_mutex_lock(&shelf->mutex);
    shelf->refused_rows += tick.refused_rows;
    pthread_mutex_unlock(&shelf->mutex);
    return 0;
}

int shelf_append(struct shelf *shelf, int64_t tick_id, const struct tick *tick, bool gap,
                 struct buffer *hot)
{
    if (tick_id <= shelf->newest_tick)
        return -EINVAL;
    if (tick_id / SHELF_PERIOD_TICKS != shelf->current.first_tick / SHELF_PERIOD_TICKS) {
        int r = shelf_begin_period(shelf);
        if (r < 0)
            return r;
    }
    size_t start = hot->size;
    int r = shelf_take_tick(shelf, tick_id, tick, gap, hot);
    if (r < 0)
        hot->size = start;
    /* A new row that comes twice is seen only when it is played back. */
    return r == -EUCLEAN ? -EINVAL : r;
}

struct shelf_status shelf_status(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    struct shelf_status status = {
        .rows = shelf->table.rows,
        .rows_limit = shelf->table.rows_limit,
        .closing_periods = shelf->closing_count,
        .memory_bytes = shelf->table.memory_bytes,
        .refused_rows = shelf->refused_rows,
        .lost_logs = shelf->lost_logs,
        .newest_tick = shelf->newest_tick,
    };
    for (size_t i = 0; i < shelf->closing_count; i++)
        status.closing_logs += shelf->closing[i].logs;
    pthread_mutex_unlock(&shelf->mutex);
    return status;
}
