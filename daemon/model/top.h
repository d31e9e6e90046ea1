/* SPDX-License-Identifier: MIT */
/*
 * Which processes were largest within a time. Plain data; results are on the heap, owned by the
 * holder.
 */
#ifndef MEMTEND_MODEL_TOP_H
#define MEMTEND_MODEL_TOP_H

#include "model/process.h"

#include <stddef.h>

#define TOP_LIMIT 1000

enum top_by { TOP_PEAK_RSS, TOP_MEAN_RSS, TOP_PEAK_PSS, TOP_MEAN_PSS };

struct top_query {
    uint64_t from_wall_usec, to_wall_usec;
    size_t limit; /* 1 .. TOP_LIMIT */
    enum top_by by;
};

struct top_process {
    struct process_id id;
    char comm[PROCESS_COMM_SIZE];
    char name[PROCESS_NAME_SIZE];
    char unit[PROCESS_UNIT_SIZE];
    char cmdline[PROCESS_CMDLINE_SIZE]; /* redacted */
    int64_t peak_bytes, average_bytes;
    uint64_t first_wall_usec, last_wall_usec; /* when it was there, within the time asked for */
    bool ended;                               /* by now, as far as is known */
};

#endif
