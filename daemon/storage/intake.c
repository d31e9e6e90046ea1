/* SPDX-License-Identifier: MIT */
#include "storage/intake.h"

#include "storage/hot.h"

#include <errno.h>

/* Without a file numbers follow the wall clock: at the shortest period, 100 ms, as fast as ticks
 * can come, so that no file has a higher one. */
#define INTAKE_NUMBER_USEC 100000

void intake_init(struct intake *intake, size_t max_processes, uint64_t tick_usec)
{
    *intake = (struct intake){.tick_usec = tick_usec};
    buffer_init(&intake->hot, HOT_SIZE_LIMIT);
    /* Of those that ended the log stays until its period is sealed. */
    shelf_init(&intake->shelf, 2 * max_processes + 1);
}

void intake_finish(struct intake *intake)
{
    shelf_finish(&intake->shelf);
    buffer_finish(&intake->hot);
}

void intake_begin(struct intake *intake, int64_t newest_tick)
{
    intake->known = true;
    if (newest_tick > intake->newest)
        intake->newest = newest_tick;
}

static bool intake_is_gap(const struct intake *intake, const struct tick *tick)
{
    return !intake->running || tick->mono_usec < intake->mono_usec ||
           tick->mono_usec - intake->mono_usec > intake->tick_usec * TICK_GAP_TENTHS / 10;
}

static int intake_append(struct intake *intake, const struct tick *tick)
{
    bool gap = intake_is_gap(intake, tick);
    /* Who ended with a tick that is lost is not known: then nothing holds. */
    int r = intake->lost ? shelf_end(&intake->shelf) : 0;
    if (r < 0)
        return r;
    intake->lost = false;
    return shelf_append(&intake->shelf, tick->id, tick, gap, &intake->hot);
}

static void intake_number(struct intake *intake, struct tick *tick)
{
    if (!intake->known)
        intake_begin(intake, (int64_t)(tick->wall_usec / INTAKE_NUMBER_USEC));
    tick->id = intake->newest + 1;
}

static void intake_add(struct intake *intake, struct tick *tick)
{
    intake_number(intake, tick);
    if (intake_append(intake, tick) < 0) {
        intake->lost_ticks++;
        intake->lost = true;
    }
    intake->newest = tick->id;
    intake->mono_usec = tick->mono_usec;
    intake->running = true;
}

void intake_take(struct intake *intake, struct tick *tick)
{
    buffer_consume(&intake->hot, intake->hot.size);
    if (intake->broken && shelf_begin_period(&intake->shelf) == 0)
        intake->broken = false;
    if (tick->id != 0)
        return;
    intake_add(intake, tick);
    /* No memory for a period: this one's hot row would build on those that were lost. */
    if (intake->broken)
        buffer_consume(&intake->hot, intake->hot.size);
}

void intake_hold(struct intake *intake, struct tick *tick)
{
    if (tick->id != 0)
        return;
    buffer_consume(&intake->hot, intake->hot.size);
    intake_add(intake, tick);
    intake->broken = true;
}

void intake_break(struct intake *intake)
{
    intake->broken = true;
}

int64_t intake_unsealed_tick(const struct intake *intake)
{
    const struct shelf *shelf = &intake->shelf;
    if (shelf->closing_count > 0)
        return shelf->closing[0].period.first_tick;
    return shelf->current.ticks > 0 ? shelf->current.first_tick : intake->newest + 1;
}

void intake_forget(struct intake *intake)
{
    size_t limit = intake->shelf.table.rows_limit;
    shelf_finish(&intake->shelf);
    shelf_init(&intake->shelf, limit);
}
