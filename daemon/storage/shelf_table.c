/* SPDX-License-Identifier: MIT */
#include "storage/shelf_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHELF_TABLE_SLOTS_FIRST 256

/* A log grows by a quarter, so that little of all logs lies empty: of one that gets 4 KiB long the
 * bytes are moved twenty times in ten minutes. */
#define SHELF_TABLE_LOG_PART  4
#define SHELF_TABLE_LOG_SLACK 16

/* As glibc counts: eight bytes in front, multiples of sixteen. */
static size_t shelf_table_allocated(size_t size)
{
    return size == 0 ? 0 : (size + 8 + 15) / 16 * 16;
}

static void *shelf_table_resize(struct shelf_table *table, void *old, size_t old_size, size_t size)
{
    void *memory = realloc(old, size);
    if (memory)
        table->memory_bytes += shelf_table_allocated(size) - shelf_table_allocated(old_size);
    return memory;
}

static void shelf_table_release(struct shelf_table *table, void *memory, size_t size)
{
    free(memory);
    table->memory_bytes -= shelf_table_allocated(size);
}

static size_t shelf_entry_size(unsigned values)
{
    return sizeof(struct shelf_entry) + values * sizeof(int64_t);
}

static size_t shelf_log_size(size_t capacity)
{
    return sizeof(struct shelf_log) + capacity;
}

void shelf_table_init(struct shelf_table *table, size_t rows_limit)
{
    *table = (struct shelf_table){.rows_limit = rows_limit};
}

static void shelf_table_free_entry(struct shelf_table *table, struct shelf_entry *entry)
{
    shelf_table_drop_log(table, &entry->log);
    while (entry->closing)
        shelf_table_drop_log(table, &entry->closing);
    shelf_table_release(table, entry, shelf_entry_size(entry->capacity));
}

void shelf_table_finish(struct shelf_table *table)
{
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i])
            shelf_table_free_entry(table, table->slots[i]);
    free(table->slots);
    *table = (struct shelf_table){0};
}

/* Rows are numbers given out one after the other: no mixing. */
static size_t shelf_table_home(const struct shelf_table *table, int64_t row)
{
    return (size_t)row & (table->slot_count - 1);
}

/* The row's slot, or the free one where it belongs. */
static size_t shelf_table_slot(const struct shelf_table *table, int64_t row)
{
    size_t slot = shelf_table_home(table, row);
    while (table->slots[slot] && table->slots[slot]->row != row)
        slot = (slot + 1) & (table->slot_count - 1);
    return slot;
}

struct shelf_entry *shelf_table_find(const struct shelf_table *table, int64_t row)
{
    return table->slot_count > 0 ? table->slots[shelf_table_slot(table, row)] : NULL;
}

/* At most three of four slots are in use: searches stay short, an empty slot is always there. */
static int shelf_table_make_room(struct shelf_table *table)
{
    if ((table->rows + 1) * 4 <= table->slot_count * 3)
        return 0;
    size_t count = table->slot_count ? table->slot_count * 2 : SHELF_TABLE_SLOTS_FIRST;
    struct shelf_entry **slots = calloc(count, sizeof(struct shelf_entry *));
    if (!slots)
        return -ENOMEM;
    struct shelf_table old = *table;
    table->slots = slots;
    table->slot_count = count;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i])
            slots[shelf_table_slot(table, old.slots[i]->row)] = old.slots[i];
    table->memory_bytes += shelf_table_allocated(count * sizeof(struct shelf_entry *));
    shelf_table_release(table, old.slots, old.slot_count * sizeof(struct shelf_entry *));
    return 0;
}

int shelf_table_insert(struct shelf_table *table, int64_t row, struct shelf_entry **ret_entry)
{
    if (table->rows >= table->rows_limit)
        return -ENOBUFS;
    int r = shelf_table_make_room(table);
    if (r < 0)
        return r;
    struct shelf_entry *entry = shelf_table_resize(table, NULL, 0, shelf_entry_size(0));
    if (!entry)
        return -ENOMEM;
    *entry = (struct shelf_entry){.row = row};
    table->slots[shelf_table_slot(table, row)] = entry;
    table->rows++;
    *ret_entry = entry;
    return 0;
}

/* Close the hole: whoever was pushed past it comes back. */
static void shelf_table_fill_hole(struct shelf_table *table, size_t hole)
{
    size_t mask = table->slot_count - 1;
    for (size_t i = (hole + 1) & mask; table->slots[i]; i = (i + 1) & mask) {
        size_t home = shelf_table_home(table, table->slots[i]->row);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        table->slots[hole] = table->slots[i];
        table->slots[i] = NULL;
        hole = i;
    }
}

void shelf_table_remove(struct shelf_table *table, struct shelf_entry *entry)
{
    size_t slot = shelf_table_slot(table, entry->row);
    table->slots[slot] = NULL;
    table->rows--;
    shelf_table_free_entry(table, entry);
    shelf_table_fill_hole(table, slot);
}

bool shelf_entry_is_over(const struct shelf_entry *entry)
{
    return entry->present == 0 && !entry->log && !entry->closing && !entry->held;
}

bool shelf_entry_has(const struct shelf_entry *entry, uint32_t number, bool newest,
                     const struct shelf_log **ret_log)
{
    for (const struct shelf_log *log = entry->closing; log; log = log->next) {
        if (log->number == number) {
            *ret_log = log;
            return true;
        }
    }
    *ret_log = NULL;
    return newest && entry->held;
}

void shelf_table_sweep(struct shelf_table *table)
{
    for (size_t i = 0; i < table->slot_count; i++)
        while (table->slots[i] && shelf_entry_is_over(table->slots[i]))
            shelf_table_remove(table, table->slots[i]);
}

int shelf_table_widen(struct shelf_table *table, struct shelf_entry **entry, unsigned values)
{
    struct shelf_entry *old = *entry;
    if (values <= old->capacity)
        return 0;
    size_t slot = shelf_table_slot(table, old->row);
    struct shelf_entry *wide =
        shelf_table_resize(table, old, shelf_entry_size(old->capacity), shelf_entry_size(values));
    if (!wide)
        return -ENOMEM;
    wide->capacity = (uint8_t)values;
    table->slots[slot] = wide;
    *entry = wide;
    return 0;
}

void shelf_table_narrow(struct shelf_table *table, struct shelf_entry *entry)
{
    if (entry->capacity == 0)
        return;
    size_t slot = shelf_table_slot(table, entry->row);
    struct shelf_entry *narrow =
        shelf_table_resize(table, entry, shelf_entry_size(entry->capacity), shelf_entry_size(0));
    if (!narrow)
        return;
    narrow->capacity = 0;
    table->slots[slot] = narrow;
}

void shelf_entry_get(const struct shelf_entry *entry, struct open_log_row *ret_row)
{
    ret_row->present = entry->present;
    size_t i = 0;
    for (uint64_t left = entry->present; left != 0; left &= left - 1)
        ret_row->value[__builtin_ctzll(left)] = entry->values[i++];
}

void shelf_entry_put(struct shelf_entry *entry, const struct open_log_row *row)
{
    entry->present = row->present;
    size_t i = 0;
    for (uint64_t left = row->present; left != 0; left &= left - 1)
        entry->values[i++] = row->value[__builtin_ctzll(left)];
}

int shelf_entry_change(struct shelf_entry *entry, struct varint_reader *reader)
{
    struct varint_reader rest = *reader;
    struct open_log_head head;
    int r = open_log_read_head(&rest, entry->present, &head);
    if (r == 0 && head.present != entry->present) { /* values change their places */
        struct open_log_row row;
        unsigned ticks;
        shelf_entry_get(entry, &row);
        r = open_log_decode(reader, &row, &ticks);
        if (r == 0)
            shelf_entry_put(entry, &row);
        return r;
    }
    for (uint64_t left = head.values; r == 0 && left != 0; left &= left - 1) {
        uint64_t below = entry->present & ((left & -left) - 1);
        int64_t *value = &entry->values[__builtin_popcountll(below)], delta = 0;
        r = varint_read_signed(&rest, &delta);
        *value = (int64_t)((uint64_t)*value + (uint64_t)delta);
    }
    *reader = rest;
    return r;
}

size_t shelf_entry_base(const struct shelf_entry *entry,
                        uint8_t ret_bytes[static OPEN_LOG_ENTRY_LIMIT])
{
    struct open_log_row nothing, row;
    nothing.present = 0;
    shelf_entry_get(entry, &row);
    return open_log_encode(&nothing, &row, 0, ret_bytes);
}

/* Up to what malloc gives anyway. */
static size_t shelf_log_capacity(size_t bytes)
{
    size_t size = shelf_log_size(bytes);
    return shelf_table_allocated(size) - 8 - sizeof(struct shelf_log);
}

int shelf_table_extend(struct shelf_table *table, struct shelf_log **log, size_t size)
{
    size_t used = *log ? (*log)->size : 0, capacity = *log ? (*log)->capacity : 0;
    if (used + size <= capacity)
        return 0;
    size_t wanted =
        shelf_log_capacity(used + size + used / SHELF_TABLE_LOG_PART + SHELF_TABLE_LOG_SLACK);
    struct shelf_log *grown = shelf_table_resize(table, *log, *log ? shelf_log_size(capacity) : 0,
                                                 shelf_log_size(wanted));
    if (!grown)
        return -ENOMEM;
    if (!*log)
        *grown = (struct shelf_log){0};
    grown->capacity = (uint32_t)wanted;
    *log = grown;
    return 0;
}

void shelf_table_drop_log(struct shelf_table *table, struct shelf_log **log)
{
    struct shelf_log *dropped = *log;
    if (!dropped)
        return;
    *log = dropped->next;
    shelf_table_release(table, dropped, shelf_log_size(dropped->capacity));
}

void shelf_entry_close(struct shelf_entry *entry, struct shelf_log *log)
{
    struct shelf_log **last = &entry->closing;
    while (*last)
        last = &(*last)->next;
    *last = log;
}

void shelf_entry_sum(const struct shelf_entry *entry, unsigned ticks,
                     struct shelf_sum sums[static SHELF_SUMS])
{
    static const uint8_t places[SHELF_SUMS] = {
        [SHELF_SUM_RSS] = OPEN_LOG_RSS, [SHELF_SUM_PSS] = OPEN_LOG_PSS};
    for (size_t i = 0; i < SHELF_SUMS && ticks > 0; i++) {
        struct shelf_sum *sum = &sums[i];
        if (!(entry->present >> places[i] & 1))
            continue;
        uint64_t below = entry->present & ((UINT64_C(1) << places[i]) - 1);
        int64_t value = entry->values[__builtin_popcountll(below)], total;
        if (__builtin_mul_overflow(value, ticks, &total) ||
            __builtin_add_overflow(sum->sum, total, &sum->sum))
            sum->sum = value < 0 ? INT64_MIN : INT64_MAX;
        sum->max = sum->count == 0 || value > sum->max ? value : sum->max;
        sum->count += ticks;
    }
}

int shelf_table_settle(struct shelf_table *table, struct shelf_entry *entry, uint32_t number,
                       unsigned ticks)
{
    if (!entry->held)
        return 0;
    uint8_t bytes[OPEN_LOG_ENTRY_LIMIT];
    size_t size = shelf_entry_base(entry, bytes);
    struct shelf_log *log =
        shelf_table_resize(table, NULL, 0, shelf_log_size(shelf_log_capacity(size)));
    if (!log)
        return -ENOMEM;
    *log = (struct shelf_log){
        .number = number,
        .size = (uint32_t)size,
        .capacity = (uint32_t)shelf_log_capacity(size),
    };
    memcpy(log->bytes, bytes, size);
    shelf_entry_sum(entry, ticks, log->sums);
    shelf_entry_close(entry, log);
    entry->held = false;
    return 0;
}
