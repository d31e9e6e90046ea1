/* SPDX-License-Identifier: MIT */
/*
 * The one cause that explains the memory of a process, how sure that is, what it rests on, and the
 * step that fits. Made by diagnose/verdict, shown by http and the command line. Sentences are clean
 * text in English; programs go by the names of the tables. Plain data.
 */
#ifndef MEMTEND_MODEL_VERDICT_H
#define MEMTEND_MODEL_VERDICT_H

#include "model/layer.h"
#include "model/prediction.h"
#include "model/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*        id      JSON name      what */
#define VERDICT_CAUSE_TABLE(X)                                                                     \
    X(UNKNOWN, "unknown", "too little is known, or nothing stands out")                            \
    X(SMALL, "small", "nothing notable")                                                           \
    X(NEIGHBOUR, "runtime_limit", "a runtime that fills memory up to a limit of its own")          \
    X(SWAPPED, "swapped", "most of it is in swap")                                                 \
    X(GARBAGE_KEPT, "garbage_kept", "gc.garbage holds objects that would be free")                 \
    X(UNCOLLECTED, "uncollected", "Python objects that the collector has not looked at")           \
    X(MALLOC_KEEPS, "malloc_keeps", "malloc keeps memory that the program has freed")              \
    X(POOLS_PINNED, "pools_pinned", "free blocks between live small Python objects")               \
    X(POOLS_FREE, "pools_free", "pymalloc pools without a live object, in arenas with one")        \
    X(FAMILY_SHARED, "family_shared", "counted here, but shared with its family")                  \
    X(COPIED, "copied", "a forked worker has its own copy of what it shared with its master")      \
    X(PYTHON_OBJECTS, "python_objects", "Python objects in use")                                   \
    X(MALLOC_USED, "malloc_used", "memory that the program has from malloc and has not freed")     \
    X(ARENAS, "arenas", "malloc's arenas, one for each busy thread")                               \
    X(STACKS, "stacks", "stacks of threads")                                                       \
    X(FILES, "files", "mapped files")                                                              \
    X(SHMEM, "shmem", "shared memory")                                                             \
    X(LARGE_MAPPING, "large_mapping", "one large anonymous mapping")                               \
    X(HUGE_PAGES, "huge_pages", "huge pages, perhaps given where less was touched")

enum verdict_cause {
#define X(id, name, what) VERDICT_##id,
    VERDICT_CAUSE_TABLE(X)
#undef X
        VERDICT_CAUSE_COUNT,
};

enum verdict_confidence {
    VERDICT_CONFIDENCE_UNKNOWN, /* the cause is UNKNOWN too */
    VERDICT_CONFIDENCE_LOW,     /* fits what is known; so may something else */
    VERDICT_CONFIDENCE_MEDIUM,  /* nothing known speaks against it, but it is no proof */
    VERDICT_CONFIDENCE_HIGH,    /* counted, not inferred */
};

enum verdict_step {
    VERDICT_STEP_NONE, /* nothing that memtend does helps */
    VERDICT_STEP_COLLECT,
    VERDICT_STEP_TRIM,
    VERDICT_STEP_FREE, /* collect, then trim: `memtend free` */
    VERDICT_STEP_FREEZE,
    VERDICT_STEP_RECYCLE, /* by its master or unit */
    VERDICT_STEP_COUNT,
};

#define VERDICT_SENTENCE_SIZE 256
#define VERDICT_LINES         4
#define VERDICT_LINE_SIZE     160
#define VERDICT_NEXT_SIZE     192

struct verdict {
    enum verdict_cause cause;
    enum verdict_confidence confidence;
    int64_t bytes; /* that the cause explains, of rss; UNKNOWN: that are not explained */
    char sentence[VERDICT_SENTENCE_SIZE];
    size_t line_count;
    char lines[VERDICT_LINES][VERDICT_LINE_SIZE]; /* the evidence, with numbers */
    enum verdict_step step;
    /* Of that step; a pause of -1 = not known. Both bounds 0 with NONE; without has_prediction
     * nobody can say. */
    bool has_prediction;
    struct prediction prediction;
    const char *cannot;           /* what that step cannot do, or why none fits; never NULL */
    char next[VERDICT_NEXT_SIZE]; /* the command to type next; "" = none */
};

/* Ledger and verdict of one moment, with the mappings behind them. */
struct diagnosis {
    struct process_id id;
    uint64_t mono_usec; /* when it was made */
    struct ledger ledger;
    struct verdict verdict;
    bool has_layers;
    struct layers layers;
    char missing[VERDICT_LINE_SIZE]; /* why there are no mappings in it; "" = there are */
};

struct verdict_info {
    const char *name, *what;
};

const struct verdict_info *verdict_cause_info(enum verdict_cause cause);
const char *verdict_confidence_name(enum verdict_confidence confidence);
const char *verdict_step_name(enum verdict_step step); /* "none", "collect", ... */

#endif
