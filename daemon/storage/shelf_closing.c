/* SPDX-License-Identifier: MIT */
/* The periods of the shelf: one ends, its logs wait, are handed out and dropped; and the copy of
 * one log for those who read. */
#include "storage/shelf.h"

#include <errno.h>
#include <string.h>

/* Periods of which nothing waits any more. */
static void shelf_retire(struct shelf *shelf)
{
    while (shelf->closing_count > 0 && shelf->closing[0].logs == 0) {
        shelf->closing_count--;
        memmove(shelf->closing, shelf->closing + 1,
                shelf->closing_count * sizeof(shelf->closing[0]));
    }
}

static void shelf_entry_drop_oldest(struct shelf *shelf, struct shelf_entry *entry)
{
    if (entry->closing)
        shelf_table_drop_log(&shelf->table, &entry->closing);
    else
        entry->held = false;
    shelf->closing[0].logs--;
}

static void shelf_release_taken(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->taken_count; i++) {
        struct shelf_entry *entry = shelf_table_find(&shelf->table, shelf->taken[i]);
        if (entry)
            entry->taken = false;
    }
    shelf->taken_count = 0;
}

static void shelf_give_up_oldest(struct shelf *shelf)
{
    shelf_release_taken(shelf);
    uint32_t oldest = shelf->closing[0].number;
    for (size_t i = 0; i < shelf->table.slot_count; i++) {
        struct shelf_entry *entry = shelf->table.slots[i];
        if (entry && entry->closing && entry->closing->number == oldest) {
            shelf_entry_drop_oldest(shelf, entry);
            shelf->lost_logs++;
        }
    }
    shelf_retire(shelf);
}

int shelf_settle(struct shelf *shelf, struct shelf_entry *entry)
{
    if (shelf->closing_count == 0)
        return 0;
    const struct shelf_closing *past = &shelf->closing[shelf->closing_count - 1];
    return shelf_table_settle(&shelf->table, entry, past->number, past->period.ticks);
}

/* What held through the newest past period gets a log there: from now on it is not the newest. */
static int shelf_settle_all(struct shelf *shelf)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < shelf->table.slot_count; i++)
        if (shelf->table.slots[i])
            r = shelf_settle(shelf, shelf->table.slots[i]);
    return r;
}

/* Whether it has something of the period that ends. */
static bool shelf_entry_turn(struct shelf *shelf, struct shelf_entry *entry)
{
    /* Got for a tick that then failed. */
    if (entry->log && entry->log->size == 0)
        shelf_table_drop_log(&shelf->table, &entry->log);
    struct shelf_log *log = entry->log;
    if (log)
        shelf_entry_sum(entry, shelf->current.ticks - entry->tick, log->sums);
    entry->log = NULL;
    entry->tick = 0;
    if (log) {
        log->number = shelf->number;
        shelf_entry_close(entry, log);
        return true;
    }
    entry->held = entry->present != 0;
    return entry->held;
}

static int shelf_turn(struct shelf *shelf)
{
    if (shelf->current.ticks == 0)
        return 0;
    int r = shelf_settle_all(shelf);
    if (r < 0)
        return r;
    if (shelf->closing_count == SHELF_CLOSING_LIMIT)
        shelf_give_up_oldest(shelf);
    struct shelf_closing *closing = &shelf->closing[shelf->closing_count++];
    *closing = (struct shelf_closing){.period = shelf->current, .number = shelf->number};
    for (size_t i = 0; i < shelf->table.slot_count; i++)
        if (shelf->table.slots[i] && shelf_entry_turn(shelf, shelf->table.slots[i]))
            closing->logs++;
    shelf->current = (struct shelf_period){0};
    shelf->number++;
    shelf_table_sweep(&shelf->table);
    shelf_retire(shelf);
    return 0;
}

int shelf_begin_period(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    int r = shelf_turn(shelf);
    pthread_mutex_unlock(&shelf->mutex);
    return r;
}

int shelf_end(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    int r = shelf_turn(shelf);
    if (r == 0)
        r = shelf_settle_all(shelf);
    for (size_t i = 0; r == 0 && i < shelf->table.slot_count; i++)
        if (shelf->table.slots[i])
            shelf->table.slots[i]->present = 0;
    if (r == 0)
        shelf_table_sweep(&shelf->table);
    pthread_mutex_unlock(&shelf->mutex);
    return r;
}

static bool shelf_take(struct shelf *shelf, struct shelf_entry *entry,
                       struct shelf_piece *ret_piece)
{
    const struct shelf_closing *oldest = &shelf->closing[0];
    const struct shelf_log *log;
    if (entry->taken || !shelf_entry_has(entry, oldest->number, shelf->closing_count == 1, &log))
        return false;
    entry->taken = true;
    shelf->taken[shelf->taken_count++] = entry->row;
    *ret_piece = (struct shelf_piece){
        .row = entry->row,
        .period = oldest->period,
        .data = log ? log->bytes : shelf->piece,
        .size = log ? log->size : shelf_entry_base(entry, shelf->piece),
    };
    return true;
}

/* Goes on where it stood: all are found though some are dropped and move meanwhile. */
static bool shelf_find_closing(struct shelf *shelf, struct shelf_piece *ret_piece)
{
    if (shelf->closing_count == 0 || shelf->taken_count == SHELF_TAKEN_LIMIT ||
        shelf->taken_count == shelf->closing[0].logs)
        return false;
    for (size_t i = 0; i < shelf->table.slot_count; i++) {
        size_t slot = (shelf->cursor + i) & (shelf->table.slot_count - 1);
        struct shelf_entry *entry = shelf->table.slots[slot];
        if (entry && shelf_take(shelf, entry, ret_piece)) {
            shelf->cursor = slot;
            return true;
        }
    }
    return false;
}

bool shelf_next_closing(struct shelf *shelf, struct shelf_piece *ret_piece)
{
    pthread_mutex_lock(&shelf->mutex);
    bool found = shelf_find_closing(shelf, ret_piece);
    pthread_mutex_unlock(&shelf->mutex);
    return found;
}

void shelf_drop_closing(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    for (size_t i = 0; i < shelf->taken_count; i++) {
        struct shelf_entry *entry = shelf_table_find(&shelf->table, shelf->taken[i]);
        entry->taken = false;
        shelf_entry_drop_oldest(shelf, entry);
        if (shelf_entry_is_over(entry))
            shelf_table_remove(&shelf->table, entry);
    }
    shelf->taken_count = 0;
    shelf_retire(shelf);
    pthread_mutex_unlock(&shelf->mutex);
}

void shelf_keep_closing(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    shelf_release_taken(shelf);
    pthread_mutex_unlock(&shelf->mutex);
}

static bool shelf_period_reaches(const struct shelf_period *period, int64_t from_tick)
{
    return period->ticks > 0 && period->first_tick + (int64_t)period->ticks > from_tick;
}

static int shelf_copy_log(const struct shelf_entry *entry, const struct shelf_log *log,
                          struct buffer *buffer)
{
    if (log)
        return buffer_append(buffer, log->bytes, log->size);
    uint8_t base[OPEN_LOG_ENTRY_LIMIT];
    return buffer_append(buffer, base, shelf_entry_base(entry, base));
}

static int shelf_copy_entry(const struct shelf *shelf, const struct shelf_entry *entry,
                            int64_t from_tick, struct buffer *buffer,
                            struct shelf_period *ret_period)
{
    const struct shelf_period *period = &shelf->current;
    const struct shelf_log *log = entry->log;
    bool found = false;
    for (size_t i = 0; !found && i < shelf->closing_count; i++) {
        bool newest = i + 1 == shelf->closing_count;
        if (!shelf_period_reaches(&shelf->closing[i].period, from_tick) ||
            !shelf_entry_has(entry, shelf->closing[i].number, newest, &log))
            continue;
        period = &shelf->closing[i].period;
        found = true;
    }
    if (!found) {
        log = entry->log;
        found = shelf_period_reaches(period, from_tick) && (log ? log->size > 0 : entry->present);
    }
    if (!found)
        return -ENOENT;
    int r = shelf_copy_log(entry, log, buffer);
    if (r == 0)
        *ret_period = *period;
    return r;
}

int shelf_copy(struct shelf *shelf, int64_t row, int64_t from_tick, struct buffer *buffer,
               struct shelf_period *ret_period)
{
    pthread_mutex_lock(&shelf->mutex);
    const struct shelf_entry *entry = shelf_table_find(&shelf->table, row);
    int r = entry ? shelf_copy_entry(shelf, entry, from_tick, buffer, ret_period) : -ENOENT;
    pthread_mutex_unlock(&shelf->mutex);
    return r;
}
