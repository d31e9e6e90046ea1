/* SPDX-License-Identifier: MIT */
/*
 * Values of one process, or of the host, at one tick: a presence bit and a time per field. Unknown
 * is absent, never 0. Fields of one source share their time: who reads a source sets or clears all
 * that it has. Plain data; who holds it owns it.
 */
#ifndef MEMTEND_MODEL_SAMPLE_H
#define MEMTEND_MODEL_SAMPLE_H

#include "model/metric.h"

#include <stdbool.h>
#include <stdint.h>

#define SAMPLE_FIELDS 32 /* as many as `present` has bits; checked below */
/* The larger scope. There may be ten thousands of these: nothing in it is without use. */
#define SAMPLE_VALUES                                                                              \
    ((int)METRIC_PROCESS_COUNT > (int)METRIC_HOST_COUNT ? (int)METRIC_PROCESS_COUNT                \
                                                        : (int)METRIC_HOST_COUNT)
/* What is read together has one time: a source, and those that are read apart within one. */
#define SAMPLE_CLOCKS (METRIC_SOURCES + 3)

struct sample {
    uint32_t present;                  /* bit i = field i is known */
    uint32_t changed;                  /* bit i = another value, or none, since it was cleared */
    int64_t value[SAMPLE_VALUES];      /* in the metric's unit */
    uint64_t mono_usec[SAMPLE_CLOCKS]; /* when it was read */
};

_Static_assert(METRIC_PROCESS_COUNT <= SAMPLE_FIELDS, "process metrics fit a sample");
_Static_assert((int)METRIC_HOST_COUNT <= SAMPLE_FIELDS, "host metrics fit a sample");

void sample_set(struct sample *sample, enum metric metric, int64_t value, uint64_t mono_usec);
/* Read again, and the same as before: only its time is new. The field is present. */
void sample_touch(struct sample *sample, enum metric metric, uint64_t mono_usec);
void sample_clear(struct sample *sample, enum metric metric);
bool sample_has(const struct sample *sample, enum metric metric);
/* false and untouched when absent. */
bool sample_get(const struct sample *sample, enum metric metric, int64_t *ret_value);
/* Time of the reading; 0 when absent. */
uint64_t sample_time(const struct sample *sample, enum metric metric);

#endif
