/* SPDX-License-Identifier: MIT */
#include "storage/timeline.h"

#include <errno.h>
#include <stdlib.h>

void timeline_finish(struct timeline *timeline)
{
    free(timeline->runs);
    *timeline = (struct timeline){0};
}

static int timeline_reserve(struct timeline *timeline)
{
    if (timeline->count < timeline->capacity)
        return 0;
    if (timeline->count >= TIMELINE_RUNS_LIMIT)
        return -E2BIG;
    size_t capacity = timeline->capacity ? timeline->capacity * 2 : 4096; /* an hour of seconds */
    struct timeline_run *runs = realloc(timeline->runs, capacity * sizeof(*runs));
    if (!runs)
        return -ENOMEM;
    timeline->runs = runs;
    timeline->capacity = capacity;
    return 0;
}

static int timeline_add(struct timeline *timeline, const struct timeline_run *run)
{
    int r = timeline_reserve(timeline);
    if (r == 0)
        timeline->runs[timeline->count++] = *run;
    return r;
}

int timeline_add_tick(struct timeline *timeline, int64_t tick, uint64_t wall_usec, bool gap)
{
    const struct timeline_run run = {
        .first_tick = tick, .ticks = 1, .gap = gap, .start_usec = wall_usec, .end_usec = wall_usec};
    return timeline_add(timeline, &run);
}

static uint64_t timeline_late_usec(uint64_t period_usec)
{
    return period_usec * TICK_GAP_TENTHS / 10;
}

/* The time from one tick to the next: measured, unless something was between. */
static uint64_t timeline_spacing(const struct timeline *timeline,
                                 const struct timeline_entry *entry)
{
    int64_t elapsed;
    if (entry->gap || entry->wall.count < 2 ||
        __builtin_sub_overflow(entry->mono_last_usec, entry->mono_first_usec, &elapsed) ||
        elapsed <= 0)
        return timeline->tick_usec;
    return (uint64_t)elapsed / (entry->wall.count - 1);
}

/*
 * How many of the ticks were before the time that is missing. Each of those is `missing` further
 * from the last tick than its number says; the sum of all times tells how many they are.
 */
static uint64_t timeline_ticks_before(const struct timeline_entry *entry, uint64_t spacing_usec,
                                      uint64_t missing_usec)
{
    double count = (double)entry->wall.count;
    double behind = 0; /* sum of (last - time) */
    if (entry->wall.sum < INT64_MAX)
        behind = ((double)entry->wall.last - (double)entry->wall.sum / count) * count;
    double expected = (double)spacing_usec * count * (count - 1) / 2;
    double before = (behind - expected) / (double)missing_usec + 0.5;
    if (!(before >= 1))
        return 1;
    return before > count - 1 ? entry->wall.count - 1 : (uint64_t)before;
}

/* What is wanted of a run. */
static int timeline_add_part(struct timeline *timeline, struct timeline_run run,
                             struct tick_range wanted)
{
    struct tick_range ticks = {run.first_tick, run.first_tick + run.ticks};
    struct tick_range part = tick_range_common(ticks, wanted);
    if (tick_range_empty(part))
        return 0;
    uint64_t usec = (run.end_usec - run.start_usec) / run.ticks;
    run.start_usec += (uint64_t)(part.first - ticks.first) * usec;
    run.end_usec -= (uint64_t)(ticks.end - part.end) * usec;
    run.gap = run.gap && part.first == ticks.first;
    run.first_tick = part.first;
    run.ticks = (uint32_t)(part.end - part.first);
    return timeline_add(timeline, &run);
}

/* Two runs, with what is missing between them. */
static int timeline_add_split(struct timeline *timeline, const struct timeline_entry *entry,
                              struct timeline_run run, uint64_t spacing_usec, uint64_t missing_usec)
{
    uint64_t before = timeline_ticks_before(entry, spacing_usec, missing_usec);
    uint64_t after = entry->wall.count - before;
    struct timeline_run second = run;
    run.ticks = (uint32_t)before;
    run.end_usec = run.start_usec + before * spacing_usec;
    second.first_tick += (int64_t)before;
    second.ticks -= (uint32_t)before;
    second.start_usec = second.end_usec - after * spacing_usec;
    second.gap = true;
    int r = timeline_add_part(timeline, run, entry->wanted);
    return r < 0 ? r : timeline_add_part(timeline, second, entry->wanted);
}

static bool timeline_entry_is_sane(const struct timeline_entry *entry)
{
    int64_t ticks = entry->ticks.end - entry->ticks.first;
    return ticks > 0 && ticks < UINT32_MAX && !tick_range_empty(entry->wanted) &&
           entry->wall.count > 0 && entry->wall.count <= (size_t)ticks && entry->wall.min >= 0 &&
           entry->wall.min <= entry->wall.last && entry->wall.last <= entry->wall.max;
}

int timeline_add_entry(struct timeline *timeline, const struct timeline_entry *entry)
{
    if (!timeline_entry_is_sane(entry))
        return -EUCLEAN;
    uint64_t spacing = timeline_spacing(timeline, entry);
    uint64_t length = (entry->wall.count - 1) * spacing;
    /* Ticks at its edge that never were. */
    bool whole = (size_t)(entry->wanted.end - entry->wanted.first) < entry->wall.count;
    struct tick_range ticks = whole ? entry->ticks : entry->wanted;
    struct timeline_run run = {
        .first_tick = ticks.first,
        .ticks = (uint32_t)(ticks.end - ticks.first),
        .start_usec = (uint64_t)entry->wall.min,
        .end_usec = (uint64_t)entry->wall.last + spacing,
    };
    uint64_t seen = (uint64_t)entry->wall.last - run.start_usec;
    bool back = entry->wall.last < entry->wall.max || seen + timeline_late_usec(spacing) < length;
    if (back) /* as if the clock had always been what it was in the end */
        run.start_usec = run.end_usec > length + spacing ? run.end_usec - length - spacing : 0;
    else if (entry->wall.count > 1 && seen > length + timeline_late_usec(spacing))
        return timeline_add_split(timeline, entry, run, spacing, seen - length);
    return timeline_add_part(timeline, run, entry->wanted);
}

static int timeline_compare(const void *a, const void *b)
{
    const struct timeline_run *x = a, *y = b;
    return (x->first_tick > y->first_tick) - (x->first_tick < y->first_tick);
}

/* They come in order, but where a level of roll-ups fills in for another. */
static void timeline_sort(struct timeline *timeline)
{
    for (size_t i = 1; i < timeline->count; i++) {
        if (timeline->runs[i].first_tick >= timeline->runs[i - 1].first_tick)
            continue;
        qsort(timeline->runs, timeline->count, sizeof(*timeline->runs), timeline_compare);
        return;
    }
}

/* From the start of a run to that of the next one; 0: they do not touch, or the clock went back. */
static uint64_t timeline_step(const struct timeline *timeline, size_t index)
{
    if (index + 1 >= timeline->count)
        return 0;
    const struct timeline_run *run = &timeline->runs[index], *next = run + 1;
    if (next->gap || next->first_tick != run->first_tick + run->ticks ||
        next->start_usec <= run->start_usec)
        return 0;
    return next->start_usec - run->start_usec;
}

static uint64_t timeline_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool timeline_is_followed(const struct timeline *timeline, size_t index)
{
    const struct timeline_run *run = &timeline->runs[index];
    return index + 1 < timeline->count && !run[1].gap &&
           run[1].first_tick == run->first_tick + run->ticks;
}

/* `before`: the step before this one, 0 unknown. */
static uint64_t timeline_hold(const struct timeline *timeline, size_t index, int64_t newest_tick,
                              uint64_t before)
{
    if (!timeline_is_followed(timeline, index))
        return timeline->runs[index].first_tick >= newest_tick
                   ? timeline_late_usec(timeline->tick_usec)
                   : timeline->tick_usec;
    uint64_t step = timeline_step(timeline, index);
    uint64_t usual = timeline_max(timeline->tick_usec, before);
    if (step > 0 && step <= timeline_late_usec(usual))
        return step;
    /* Longer than before: of a clock that was set, or of a period that is so long. */
    if (step > 0 && step <= timeline_late_usec(timeline_step(timeline, index + 1)))
        return step;
    return before > 0 ? before : timeline->tick_usec;
}

/* An entry of a roll-up ends where the next one begins, if that is about the same. */
static void timeline_join(struct timeline *timeline, size_t index)
{
    struct timeline_run *run = &timeline->runs[index];
    if (!timeline_is_followed(timeline, index))
        return;
    uint64_t next = run[1].start_usec, late = timeline_late_usec(timeline->tick_usec);
    if (next > run->start_usec && next < run->end_usec + late && run->end_usec < next + late)
        run->end_usec = next;
}

static void timeline_hold_all(struct timeline *timeline, int64_t newest_tick)
{
    uint64_t before = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        struct timeline_run *run = &timeline->runs[i];
        if (run->gap)
            before = 0;
        if (run->ticks > 1) {
            timeline_join(timeline, i);
            before = 0;
            continue;
        }
        before = timeline_hold(timeline, i, newest_tick, before);
        run->end_usec = run->start_usec + before;
        if (!timeline_is_followed(timeline, i))
            before = 0;
    }
}

void timeline_settle(struct timeline *timeline, int64_t newest_tick, uint64_t from_usec,
                     uint64_t to_usec)
{
    timeline_sort(timeline);
    timeline_hold_all(timeline, newest_tick);
    size_t kept = 0;
    for (size_t i = 0; i < timeline->count; i++)
        if (timeline->runs[i].start_usec < to_usec && timeline->runs[i].end_usec > from_usec)
            timeline->runs[kept++] = timeline->runs[i];
    timeline->count = kept;
}

int timeline_ticks(const struct timeline *timeline, struct tick_set *ret_ticks)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < timeline->count;) {
        struct tick_range range = {timeline->runs[i].first_tick, timeline->runs[i].first_tick};
        for (; i < timeline->count && timeline->runs[i].first_tick == range.end; i++)
            range.end += timeline->runs[i].ticks;
        r = tick_set_add(ret_ticks, range);
    }
    return r;
}

size_t timeline_find(const struct timeline *timeline, int64_t tick)
{
    size_t low = 0, high = timeline->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->runs[middle].first_tick + timeline->runs[middle].ticks <= tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
