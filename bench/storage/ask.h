/* SPDX-License-Identifier: MIT */
/*
 * Questions to the history of a store that a trace was written to, in process: is every value what
 * the trace says, and how long does an answer take.
 */
#ifndef MEMTEND_BENCH_STORAGE_ASK_H
#define MEMTEND_BENCH_STORAGE_ASK_H

#include "bench/storage/trace.h"
#include "storage/history.h"

/* Seconds [from, to) of the trace, every value of every process: how many are absent or another. */
int ask_read_back(struct history *history, const struct trace *trace, uint64_t from, uint64_t to,
                  uint64_t *ret_mismatches);

struct ask_time {
    double median_msec, worst_msec; /* wall time */
    double cpu_msec;                /* median; others on the machine disturb it less */
    size_t runs, points;            /* points: of the last answer */
};

/* RSS over so many seconds before `to`, as 500 points with their extremes; another process each
 * time. */
int ask_series(struct history *history, const struct trace *trace, uint64_t seconds, uint64_t to,
               struct ask_time *ret_time);

/* The ten processes with the highest RSS in so many seconds before `to`. */
int ask_top(struct history *history, const struct trace *trace, uint64_t seconds, uint64_t to,
            struct ask_time *ret_time);

#endif
