/* SPDX-License-Identifier: MIT */
#include "heap/estimate.h"

#include <stdint.h>

/* One container object and what hangs on it: dead cycles of plain instances, 1.5 million of them,
 * gave 171 MB back. The floor under the process's own average. */
#define ESTIMATE_OBJECT_BYTES 114
/* About every third block of a CPython program is an object that the collector visits. */
#define ESTIMATE_BLOCKS_PER_OBJECT 3
/* 75 ns an object on 3.13, 130 ns on 3.8: the slower one, a pause must not be a surprise. */
#define ESTIMATE_VISIT_NSEC 130
/* To free a dead object takes longer than to visit it: 153,600 of 1 KB took 128 ms on 3.11. */
#define ESTIMATE_FREE_NSEC 700
/* What was learned from one collection may have been measured on a busy machine. */
#define ESTIMATE_VISIT_MIN_NSEC 20
#define ESTIMATE_VISIT_MAX_NSEC 1000
/* Of the free pages that jemalloc and tcmalloc count 96 to 100 % came back; the rest was never
 * touched, or taken again before. The program may free a little more meanwhile. */
#define ESTIMATE_COUNTED_LOW(bytes)  ((bytes) - (bytes) / 8)
#define ESTIMATE_COUNTED_HIGH(bytes) ((bytes) + (bytes) / 32)
/* malloc keeps this much at the top on purpose (M_TOP_PAD); its pages are often not resident. */
#define ESTIMATE_TOP_PAD_BYTES (INT64_C(132) << 10)

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

static int64_t at_least(int64_t value, int64_t limit)
{
    return value > limit ? value : limit;
}

/* a * b for a, b >= 0 */
static int64_t product(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX : result;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_add_overflow(a, b, &result) ? INT64_MAX : result;
}

/* Resident anonymous memory: RSS is fresher than RssAnon, file pages hardly move. */
static bool anonymous(const struct sample *sample, int64_t *ret_bytes)
{
    int64_t rss, file = 0, shmem = 0;
    if (!sample_get(sample, METRIC_RSS, &rss))
        return sample_get(sample, METRIC_ANON, ret_bytes);
    sample_get(sample, METRIC_FILE, &file);
    sample_get(sample, METRIC_SHMEM, &shmem);
    *ret_bytes = at_least(rss - file - shmem, 0);
    return true;
}

bool estimate_slack(const struct sample *sample, int64_t *ret_bytes)
{
    int64_t anon, used;
    if (!anonymous(sample, &anon) || !sample_get(sample, METRIC_HEAP_USED, &used))
        return false;
    *ret_bytes = at_least(anon - used, 0);
    return true;
}

bool estimate_objects(const struct sample *sample, int64_t *ret_objects)
{
    int64_t blocks, young = 0, frozen = 0;
    bool known = sample_get(sample, METRIC_PY_BLOCKS, &blocks);
    int64_t objects = known ? blocks / ESTIMATE_BLOCKS_PER_OBJECT : 0;
    known |= sample_get(sample, METRIC_PY_GC_COUNT0, &young);
    sample_get(sample, METRIC_PY_GC_FROZEN, &frozen);
    if (!known)
        return false;
    *ret_objects = at_least(at_least(objects - frozen, 0), young);
    return true;
}

int64_t estimate_shared(const struct sample *sample, uint32_t family_size)
{
    int64_t anon, rss, uss, file = 0, shmem = 0;
    if (family_size <= 1 || !anonymous(sample, &anon))
        return 0;
    /* Not readable: it may all be shared. */
    if (!sample_get(sample, METRIC_RSS, &rss) || !sample_get(sample, METRIC_USS, &uss))
        return anon;
    /* What others map too, less the file pages, which a collection does not write to. */
    sample_get(sample, METRIC_FILE, &file);
    sample_get(sample, METRIC_SHMEM, &shmem);
    return at_most(at_least(rss - uss - file - shmem, 0), anon);
}

/* high_bytes: resident anonymous memory */
static void trim_counted(int64_t free_bytes, struct prediction *prediction)
{
    free_bytes = at_most(at_least(free_bytes, 0), prediction->high_bytes);
    prediction->low_bytes = ESTIMATE_COUNTED_LOW(free_bytes);
    prediction->high_bytes = at_most(ESTIMATE_COUNTED_HIGH(free_bytes), prediction->high_bytes);
}

struct prediction estimate_trim(const struct sample *sample, const struct estimate_memory *memory)
{
    struct prediction prediction = {.pause_usec = -1};
    int64_t slack, chunks;
    if (!anonymous(sample, &prediction.high_bytes))
        return prediction;
    if (memory->has_free_resident) {
        trim_counted(memory->free_resident_bytes, &prediction);
        return prediction;
    }
    if (estimate_slack(sample, &slack)) {
        /* Free chunks keep being counted after their pages went back, and a part of the slack is
         * no malloc memory at all: what the last trim left behind will be left again. */
        if (memory->has_slack)
            slack = at_least(slack - memory->slack_bytes, 0);
        prediction.high_bytes = at_most(prediction.high_bytes, slack);
    }
    if (sample_get(sample, METRIC_HEAP_FREE, &chunks))
        prediction.high_bytes = at_most(prediction.high_bytes, chunks);
    if (memory->has_keepcost)
        prediction.low_bytes = at_least(memory->keepcost_bytes - ESTIMATE_TOP_PAD_BYTES, 0);
    prediction.low_bytes = at_most(prediction.low_bytes, prediction.high_bytes);
    return prediction;
}

/* Objects made since the last full collection: each count of a generation stands for a whole
 * threshold of the one below. Older objects that died since are not in it. */
static bool objects_since_full(const struct sample *sample, const struct estimate_memory *memory,
                               int64_t *ret_objects)
{
    int64_t count[3];
    if (!sample_get(sample, METRIC_PY_GC_COUNT0, &count[0]))
        return false;
    int64_t objects = count[0];
    if (memory->has_thresholds && sample_get(sample, METRIC_PY_GC_COUNT1, &count[1]) &&
        sample_get(sample, METRIC_PY_GC_COUNT2, &count[2])) {
        int64_t first = memory->thresholds[0];
        int64_t second = product(first, memory->thresholds[1]);
        objects = sum(objects, sum(product(count[1], first), product(count[2], second)));
    }
    *ret_objects = objects;
    return true;
}

/* What an object of this process weighs with all it holds, seen from the whole. */
static int64_t object_bytes(const struct sample *sample, const struct estimate_memory *memory,
                            int64_t anon)
{
    int64_t blocks = memory->has_blocks ? memory->blocks : 0;
    sample_get(sample, METRIC_PY_BLOCKS, &blocks);
    if (blocks <= 0)
        return ESTIMATE_OBJECT_BYTES;
    return at_least(product(anon / blocks, ESTIMATE_BLOCKS_PER_OBJECT), ESTIMATE_OBJECT_BYTES);
}

void estimate_learn_collect(struct estimate_memory *memory, int64_t visited, int64_t dead,
                            int64_t pause_usec)
{
    if (visited <= 0 || dead < 0 || pause_usec < 0)
        return;
    int64_t visiting = product(pause_usec, 1000) - product(dead, ESTIMATE_FREE_NSEC);
    int64_t nsec = at_least(visiting, 0) / visited;
    memory->visit_nsec = at_most(at_least(nsec, ESTIMATE_VISIT_MIN_NSEC), ESTIMATE_VISIT_MAX_NSEC);
}

/* Every object is visited; those made since the last full collection may all be dead. */
static int64_t collect_pause(const struct sample *sample, const struct estimate_memory *memory)
{
    int64_t objects, young = 0;
    if (!estimate_objects(sample, &objects))
        return -1;
    objects_since_full(sample, memory, &young);
    int64_t visit_nsec = memory->visit_nsec > 0 ? memory->visit_nsec : ESTIMATE_VISIT_NSEC;
    return sum(product(objects, visit_nsec), product(young, ESTIMATE_FREE_NSEC)) / 1000;
}

struct prediction estimate_collect(const struct sample *sample,
                                   const struct estimate_memory *memory, uint32_t family_size)
{
    struct prediction prediction = {
        .pause_usec = collect_pause(sample, memory),
        .unshared_bytes = estimate_shared(sample, family_size),
    };
    int64_t anon, objects;
    if (!anonymous(sample, &anon))
        return prediction;
    prediction.high_bytes = anon;
    if (objects_since_full(sample, memory, &objects))
        prediction.high_bytes = at_most(anon, product(objects, object_bytes(sample, memory, anon)));
    return prediction;
}
