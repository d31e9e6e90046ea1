/* SPDX-License-Identifier: MIT */
/*
 * What the writer thread does, one step at a time and without the thread: holds ticks and records
 * until they are in the store, opens the store and opens it again after a failure, says how it
 * stands. Time is handed in. Nothing it was given is dropped: only ticks are merged.
 */
#ifndef MEMTEND_ENGINE_STORE_FLOW_H
#define MEMTEND_ENGINE_STORE_FLOW_H

#include "engine/store_record.h"
#include "engine/store_writer.h"
#include "engine/tick_pool.h"

struct store_flow {
    char *directory;
    struct store_config config; /* points to directory and intake */
    struct intake intake;
    struct store *store; /* NULL = not open */
    int64_t stored_row;  /* highest process row in the store */

    struct tick *ring[TICK_POOL_TICKS]; /* waiting, oldest first */
    size_t tick_first, tick_count;
    struct tick *done[TICK_POOL_TICKS]; /* to be given back */
    size_t done_count;

    struct store_record *records, *last_record; /* waiting, oldest first */
    struct store_ack ack;                       /* how things stand */
    bool ack_changed;

    uint64_t retry_usec;   /* degraded: do not touch the disk before (monotonic) */
    uint64_t durable_usec; /* last durable commit */
    bool unflushed;        /* samples were committed since */
    uint64_t expire_usec;  /* last look at what is too old or too much */
    bool expire_more;
};

/* Opens the store; a failure is the degraded state, not an error. -ENOMEM. */
int store_flow_init(struct store_flow *flow, const struct store_config *config, uint64_t mono_usec,
                    struct store_writer_start *ret_start);
/* One last try to write what waits, then closes. Records that still wait are freed: their number
 * is the answer. */
size_t store_flow_finish(struct store_flow *flow, uint64_t mono_usec);

/* There is always room for all ticks of a pool. */
void store_flow_take_tick(struct store_flow *flow, struct tick *tick);
void store_flow_take_record(struct store_flow *flow, struct store_record *record);
/* Written or merged, cleaned; NULL when there is none. */
struct tick *store_flow_done_tick(struct store_flow *flow);

/* Does what is due; *ret_next is when to call again at the latest. */
void store_flow_step(struct store_flow *flow, uint64_t mono_usec, uint64_t wall_usec,
                     uint64_t *ret_next);

#endif
