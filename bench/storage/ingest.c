/* SPDX-License-Identifier: MIT */
#include "bench/storage/ingest.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An hour, and a time of which nothing else is stored. */
#define INGEST_EPOCH_USEC (UINT64_C(1760400000) * USEC_PER_SEC)

uint64_t ingest_wall_usec(uint64_t second)
{
    return INGEST_EPOCH_USEC + (INGEST_HOUR_TICKS + second) * USEC_PER_SEC;
}

struct process_id ingest_process(size_t process)
{
    return (struct process_id){.pid = (pid_t)process + 1, .start_ticks = 1};
}

static void ingest_next(struct ingest *ingest)
{
    struct tick *tick = &ingest->tick;
    tick->id = 0;
    tick->number = ++ingest->number;
    tick->mono_usec = ingest->number * USEC_PER_SEC;
    tick->wall_usec = INGEST_EPOCH_USEC + tick->mono_usec;
    tick->process_count = 0;
    tick->row_count = 0;
    tick->ended_count = 0;
}

static void ingest_introduce(struct ingest *ingest, size_t process)
{
    struct tick *tick = &ingest->tick;
    tick->processes[tick->process_count++] = (struct tick_process){
        .row = (int64_t)process + 1, .id = ingest_process(process), .comm = "traced"};
}

static bool ingest_changed(const struct trace *trace, size_t process, uint64_t second)
{
    for (size_t i = 0; i < trace->metrics; i++)
        if (trace_value(trace, process, i, second) != trace_value(trace, process, i, second - 1))
            return true;
    return false;
}

static void ingest_row(struct ingest *ingest, size_t process, uint64_t second)
{
    struct tick_row *row = &ingest->tick.rows[ingest->tick.row_count++];
    *row = (struct tick_row){.row = (int64_t)process + 1};
    for (size_t i = 0; i < ingest->trace->metrics; i++) {
        enum metric metric = trace_metric(i);
        row->present |= UINT32_C(1) << metric;
        row->value[metric] = trace_value(ingest->trace, process, i, second);
    }
}

static void ingest_fill(struct ingest *ingest, uint64_t second)
{
    ingest_next(ingest);
    for (size_t process = 0; process < ingest->trace->processes; process++) {
        bool keyframe = (second + process) % TICK_KEYFRAME == 0;
        if (second == 0)
            ingest_introduce(ingest, process);
        if (second == 0 || keyframe || ingest_changed(ingest->trace, process, second))
            ingest_row(ingest, process, second);
    }
}

/* The daemon goes on while there is more to do, up to a time; here a count, for equal figures. */
#define INGEST_EXPIRE_STEPS 16

static int ingest_expire(struct ingest *ingest)
{
    int r = 0;
    ingest->expire_more = true;
    for (size_t i = 0; r == 0 && ingest->expire_more && i < INGEST_EXPIRE_STEPS; i++)
        r = store_expire(ingest->store, ingest->tick.wall_usec, &ingest->expire_more);
    return r;
}

static int ingest_store(struct ingest *ingest)
{
    int r = store_begin(ingest->store, ingest->number % INGEST_DURABLE_TICKS == 0);
    if (r == 0)
        r = store_write_tick(ingest->store, &ingest->tick);
    if (r == 0)
        r = store_commit(ingest->store);
    if (r < 0 || (!ingest->expire_more && ingest->number % INGEST_DURABLE_TICKS != 0))
        return r;
    return ingest_expire(ingest);
}

int ingest_second(struct ingest *ingest, uint64_t second, struct meter *meter)
{
    ingest_fill(ingest, second);
    meter_begin(meter);
    int r = ingest_store(ingest);
    meter_end(meter, 1);
    return r;
}

int ingest_seconds(struct ingest *ingest, uint64_t second, size_t count)
{
    int r = store_begin(ingest->store, false);
    for (size_t i = 0; r == 0 && i < count; i++) {
        ingest_fill(ingest, second + i);
        r = store_write_tick(ingest->store, &ingest->tick);
    }
    if (r == 0)
        r = store_commit(ingest->store);
    /* Retention goes in steps of ten ticks. */
    for (size_t i = 0; r == 0 && i <= count / 10; i++)
        r = ingest_expire(ingest);
    return r;
}

int ingest_empty(struct ingest *ingest, size_t ticks, struct meter *meter)
{
    meter_begin(meter);
    int r = store_begin(ingest->store, false);
    for (size_t i = 0; r == 0 && i < ticks; i++) {
        ingest_next(ingest);
        r = store_write_tick(ingest->store, &ingest->tick);
    }
    if (r == 0)
        r = store_commit(ingest->store);
    if (r == 0)
        r = ingest_expire(ingest);
    meter_end(meter, ticks);
    return r;
}

int ingest_end(struct ingest *ingest, struct meter *meter)
{
    ingest_next(ingest);
    for (size_t process = 0; process < ingest->trace->processes; process++)
        ingest->tick.ended[ingest->tick.ended_count++] = (int64_t)process + 1;
    meter_begin(meter);
    int r = ingest_store(ingest);
    meter_end(meter, 1);
    return r;
}

int ingest_init(struct ingest *ingest, const struct trace *trace, struct store *store)
{
    size_t processes = trace->processes;
    *ingest = (struct ingest){.trace = trace,
                              .store = store,
                              .tick = {.capacity = processes,
                                       .processes = calloc(processes, sizeof(struct tick_process)),
                                       .rows = calloc(processes, sizeof(struct tick_row)),
                                       .ended = calloc(processes, sizeof(int64_t))}};
    if (!ingest->tick.processes || !ingest->tick.rows || !ingest->tick.ended)
        return -ENOMEM;
    int r = 0;
    struct meter unused = {0};
    while (r == 0 && ingest->number < INGEST_HOUR_TICKS - 1) {
        size_t left = INGEST_HOUR_TICKS - 1 - ingest->number;
        r = ingest_empty(ingest, left < 600 ? left : 600, &unused);
    }
    return r;
}

void ingest_finish(struct ingest *ingest)
{
    free(ingest->tick.processes);
    free(ingest->tick.rows);
    free(ingest->tick.ended);
}
