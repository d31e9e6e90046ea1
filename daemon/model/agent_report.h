/* SPDX-License-Identifier: MIT */
/*
 * What the in-process agent of one process said last, with names as JSON and the command line show
 * them. Plain data; what is not known is not in it.
 */
#ifndef MEMTEND_MODEL_AGENT_REPORT_H
#define MEMTEND_MODEL_AGENT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_REPORT_VALUES  40
#define AGENT_REPORT_CLASSES 64

enum agent_value_kind { AGENT_VALUE_NUMBER, AGENT_VALUE_FLAG, AGENT_VALUE_GENERATIONS };

struct agent_value {
    const char *section; /* "malloc", "gc", "pymalloc", "cost" */
    const char *key;     /* "in_use_bytes" */
    enum agent_value_kind kind;
    int64_t numbers[3]; /* one, but for GENERATIONS: youngest first */
};

/* Pools of pymalloc that hold blocks of one size; only sizes that have a pool are listed. */
struct agent_class {
    int64_t block_bytes, pools, blocks;
};

struct agent_report {
    char interpreter[8]; /* whose collector it is: "main"; "" without Python */
    uint64_t age_usec;   /* of everything but pymalloc's */
    bool has_pools;
    uint64_t pools_age_usec;
    int64_t pools_rss_bytes;  /* RSS at about the time of the pools; -1 = not known */
    bool has_full_collection; /* seen to have run, by itself or asked for */
    uint64_t full_collection_age_usec;
    size_t value_count;
    struct agent_value values[AGENT_REPORT_VALUES]; /* by section */
    size_t class_count;
    struct agent_class classes[AGENT_REPORT_CLASSES];
};

#endif
