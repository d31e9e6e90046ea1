/* SPDX-License-Identifier: MIT */
/*
 * One measurement for a receipt: RSS and swap of the target read freshly by the loop, PSS and USS
 * by the probe for every member of its family, at receipt priority. What cannot be read is absent
 * and the receipt's basis falls accordingly. Fresh values also go into the process table. Loop
 * thread only.
 */
#ifndef MEMTEND_ENGINE_MEASURE_H
#define MEMTEND_ENGINE_MEASURE_H

#include "base/clock.h"
#include "engine/table.h"
#include "model/receipt.h"

/* More members than this are not summed: PSS of the family is absent then. */
#define MEASURE_FAMILY_LIMIT 256
/* A measurement ends then with what has come. */
#define MEASURE_DEADLINE_USEC (3 * USEC_PER_SEC)

/* One process's smaps_rollup in bytes, as the probe answered. */
struct measure_rollup {
    int64_t rss_bytes;
    int64_t pss_bytes; /* -1: only USS was read, the rest would have held the process up too long */
    int64_t uss_bytes, swap_bytes, swap_pss_bytes;
};

/* result 0, or -errno: ESRCH gone, EACCES not ours to read, ETIMEDOUT, EFBIG too dear. */
typedef void (*measure_answer)(void *context, struct process_id id, int result,
                               const struct measure_rollup *rollup);

/* Where rollups come from. */
struct measure_source {
    void *context;
    /*
     * 0 and answer() is called exactly once, later, from the loop; or -errno and never. Reads for
     * receipts come before routine ones.
     */
    int (*rollup)(void *context, struct process_id id, measure_answer answer, void *answer_context);
};

/* What one measurement found. */
struct measure_result {
    struct measure measure;
    bool gone;             /* the target is not there any more */
    uint32_t family_size;  /* members measured, 1 without family */
    uint64_t family_print; /* the same members give the same number */
};

struct measurement;

/*
 * Start one. done is called exactly once unless the measurement is freed first, never from inside
 * this call. -ENOMEM.
 */
int measurement_new(const struct measure_source *source, struct table *table, int proc_fd,
                    struct process_id target, uint64_t now_usec,
                    void (*done)(void *context, const struct measure_result *result), void *context,
                    struct measurement **ret_measurement);
/* Answers that are still to come are ignored. May be called from inside done. NULL is fine. */
void measurement_free(struct measurement *measurement);

/* It is not done before measurement_on_stats() or the deadline: the agent was asked as well. */
void measurement_expect_stats(struct measurement *measurement);
void measurement_on_stats(struct measurement *measurement);

/* When measurement_on_time() is due. */
uint64_t measurement_deadline(const struct measurement *measurement);
/* Nothing to wait for, or the deadline has passed: done, with what there is. The measurement may
 * be gone afterwards. */
void measurement_on_time(struct measurement *measurement, uint64_t now_usec);

#endif
