/* SPDX-License-Identifier: MIT */
/*
 * Writes ticks: the host's row, processes first seen and ended, and the sample rows, each linked
 * to the one before of its process. Knows the newest tick; a transaction that fails takes its
 * changes back. Writer thread.
 */
#ifndef MEMTEND_STORAGE_TICK_WRITER_H
#define MEMTEND_STORAGE_TICK_WRITER_H

#include "model/tick.h"
#include "storage/chain.h"
#include "storage/query.h"

/* Sample ids are tick << TICK_WRITER_SHIFT | number within the tick. */
#define TICK_WRITER_SHIFT 16

/* Later than this many tenths of a period after the one before: nothing is known between. */
#define TICK_WRITER_GAP_TENTHS 25

struct tick_position {
    int64_t id; /* 0 = no tick yet */
    int64_t boot;
    uint64_t mono_usec;
};

struct tick_writer {
    struct queries *queries;
    uint64_t tick_usec;
    int64_t boot;                        /* row of the boot that is running */
    struct tick_position newest, before; /* before: when the transaction began */
    struct chain chain;
    int sample_positions[METRIC_STORED_COUNT]; /* of the parameters of sample_insert.sql */
    int host_positions[METRIC_HOST_COUNT];
};

/* Reads where the store ends. `boot_id` as in /proc/sys/kernel/random/boot_id. In a transaction:
 * it adds the boot and closes the processes that a daemon which stopped left open. */
int tick_writer_init(struct tick_writer *writer, struct queries *queries, const char *boot_id,
                     uint64_t tick_usec);
void tick_writer_finish(struct tick_writer *writer);

void tick_writer_begin(struct tick_writer *writer);
void tick_writer_abort(struct tick_writer *writer);
int tick_writer_write(struct tick_writer *writer, const struct tick *tick);

#endif
