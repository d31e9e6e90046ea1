/* SPDX-License-Identifier: MIT */
#include "storage/open_log.h"

#include "storage/columns.h"

#include <errno.h>
#include <limits.h>

/* Where the ranges of column numbers begin (columns.c). RSS has the lowest place of a process: the
 * more often one changes, the shorter the mask should be. */
#define OPEN_LOG_PROCESS_CODE 16
#define OPEN_LOG_HOST_CODE    96
#define OPEN_LOG_HOST_PLACE   16 /* below are the times, which have their codes as places */

unsigned open_log_place_of(uint16_t code)
{
    unsigned place = code >= OPEN_LOG_HOST_CODE ? code - OPEN_LOG_HOST_CODE + OPEN_LOG_HOST_PLACE
                     : code >= OPEN_LOG_PROCESS_CODE ? code - OPEN_LOG_PROCESS_CODE
                                                     : code;
    return code < COLUMNS_CODES && place < OPEN_LOG_PLACES ? place : OPEN_LOG_PLACES;
}

static unsigned open_log_place(enum metric metric)
{
    return open_log_place_of(columns_code(metric));
}

uint16_t open_log_code(bool host, unsigned place)
{
    if (place >= OPEN_LOG_PLACES)
        return 0;
    unsigned code = !host ? place + OPEN_LOG_PROCESS_CODE
                    : place < OPEN_LOG_HOST_PLACE
                        ? place
                        : place - OPEN_LOG_HOST_PLACE + OPEN_LOG_HOST_CODE;
    return code < COLUMNS_CODES ? (uint16_t)code : 0;
}

static void open_log_set(struct open_log_row *row, unsigned place, int64_t value)
{
    if (place >= OPEN_LOG_PLACES) /* none of ours */
        return;
    row->present |= UINT64_C(1) << place;
    row->value[place] = value;
}

void open_log_process(const struct tick_row *row, struct open_log_row *ret_row)
{
    ret_row->present = 0;
    for (uint32_t left = row->present; left != 0; left &= left - 1) {
        unsigned metric = (unsigned)__builtin_ctz(left);
        if (metric < METRIC_STORED_COUNT)
            open_log_set(ret_row, open_log_place((enum metric)metric), row->value[metric]);
    }
}

void open_log_host(const struct tick *tick, bool gap, struct open_log_row *ret_row)
{
    ret_row->present = 0;
    open_log_set(ret_row, COLUMNS_MONO_USEC, (int64_t)tick->mono_usec);
    open_log_set(ret_row, COLUMNS_WALL_USEC, (int64_t)tick->wall_usec);
    if (gap)
        open_log_set(ret_row, COLUMNS_GAP, 1);
    for (unsigned i = 0; i < METRIC_HOST_COUNT; i++)
        if (tick->host.present >> i & 1)
            open_log_set(ret_row, open_log_place((enum metric)(METRIC_HOST_FIRST + i)),
                         tick->host.value[i]);
}

/* Places that both have, with another value. */
static uint64_t open_log_changed(const struct open_log_row *before,
                                 const struct open_log_row *after)
{
    uint64_t changed = 0;
    for (uint64_t left = before->present & after->present; left != 0; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        if (before->value[place] != after->value[place])
            changed |= UINT64_C(1) << place;
    }
    return changed;
}

bool open_log_equal(const struct open_log_row *a, const struct open_log_row *b)
{
    return a->present == b->present && open_log_changed(a, b) == 0;
}

size_t open_log_encode(const struct open_log_row *before, const struct open_log_row *after,
                       unsigned ticks, uint8_t ret_bytes[static OPEN_LOG_ENTRY_LIMIT])
{
    uint64_t changed = open_log_changed(before, after);
    bool others = before->present != after->present;
    if (!others && changed == 0)
        return 0;
    size_t size = varint_put((uint64_t)ticks << 1 | others, ret_bytes);
    if (others)
        size += varint_put(after->present, ret_bytes + size);
    if (before->present & after->present)
        size += varint_put(changed, ret_bytes + size);
    uint64_t left = changed | (after->present & ~before->present);
    for (; left != 0; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        uint64_t from = before->present >> place & 1 ? (uint64_t)before->value[place] : 0;
        int64_t delta = (int64_t)((uint64_t)after->value[place] - from);
        size += varint_put(varint_fold(delta), ret_bytes + size);
    }
    return size;
}

static int open_log_decode_values(struct varint_reader *reader, uint64_t places,
                                  struct open_log_row *row)
{
    for (uint64_t left = places; left != 0; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        uint64_t from = row->present >> place & 1 ? (uint64_t)row->value[place] : 0;
        int64_t delta;
        int r = varint_read_signed(reader, &delta);
        if (r < 0)
            return r;
        row->value[place] = (int64_t)(from + (uint64_t)delta);
    }
    return 0;
}

int open_log_read_head(struct varint_reader *reader, uint64_t before_present,
                       struct open_log_head *ret_head)
{
    uint64_t head, present = before_present, changed = 0;
    int r = varint_read(reader, &head);
    if (r == 0 && head & 1)
        r = varint_read(reader, &present);
    uint64_t kept = before_present & present;
    if (r == 0 && kept)
        r = varint_read(reader, &changed);
    if (r < 0)
        return r;
    /* One way only to say it, and nothing said that is nothing: the bytes bound the work. */
    bool others = present != before_present;
    if (head >> 1 >= OPEN_LOG_TICKS || changed & ~kept || others != (head & 1) ||
        (!others && changed == 0))
        return -EUCLEAN;
    *ret_head = (struct open_log_head){.present = present,
                                       .values = changed | (present & ~before_present),
                                       .ticks = (unsigned)(head >> 1)};
    return 0;
}

int open_log_decode(struct varint_reader *reader, struct open_log_row *row, unsigned *ret_ticks)
{
    struct open_log_head head;
    int r = open_log_read_head(reader, row->present, &head);
    if (r == 0)
        r = open_log_decode_values(reader, head.values, row);
    if (r < 0)
        return r;
    row->present = head.present;
    *ret_ticks = head.ticks;
    return 0;
}

/* Looks one entry ahead, from the row that holds now. */
static int open_log_walk_look(struct open_log_walk *walk)
{
    if (walk->rest.size == 0) {
        walk->next_tick = UINT_MAX;
        return 0;
    }
    unsigned ticks;
    int r = open_log_decode(&walk->rest, &walk->next_row, &ticks);
    if (r < 0)
        return r;
    unsigned tick = walk->tick + ticks;
    if (tick >= OPEN_LOG_TICKS || (walk->entered && ticks == 0))
        return -EUCLEAN;
    walk->next_tick = tick;
    return 0;
}

int open_log_walk_begin(struct open_log_walk *walk, const uint8_t *data, size_t size)
{
    walk->rest = (struct varint_reader){.data = data, .size = size};
    walk->row.present = walk->next_row.present = 0;
    walk->tick = 0;
    walk->entered = false;
    return open_log_walk_look(walk);
}

int open_log_walk_to(struct open_log_walk *walk, unsigned tick)
{
    while (walk->next_tick <= tick) {
        walk->row = walk->next_row;
        walk->tick = walk->next_tick;
        walk->entered = true;
        int r = open_log_walk_look(walk);
        if (r < 0)
            return r;
    }
    return 0;
}
