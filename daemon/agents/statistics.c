/* SPDX-License-Identifier: MIT */
#include "agents/statistics.h"

#include "base/clock.h"
#include "base/text.h"

/* Longer than a busy server may stand still often: then so many times more rarely. */
#define STATISTICS_DEAR_USEC   (5 * USEC_PER_MSEC)
#define STATISTICS_DEAR_FACTOR 20
/* At most 0.5 % of the program's time. */
#define STATISTICS_COST_FACTOR 200

struct source {
    enum control_stats_field bit;
    enum metric metric;
    size_t offset; /* of a uint64_t in struct control_stats */
};

#define GC_COUNT(generation)                                                                       \
    (offsetof(struct control_stats, gc_count) + (generation) * sizeof(uint64_t))

static const struct source sources[] = {
    {CONTROL_HAS_MALLOC_TOTAL, METRIC_HEAP_TOTAL,
     offsetof(struct control_stats, malloc_total_bytes)},
    {CONTROL_HAS_MALLOC_IN_USE, METRIC_HEAP_USED,
     offsetof(struct control_stats, malloc_in_use_bytes)},
    {CONTROL_HAS_MALLOC_FREE, METRIC_HEAP_FREE, offsetof(struct control_stats, malloc_free_bytes)},
    {CONTROL_HAS_GC_COUNT, METRIC_PY_GC_COUNT0, GC_COUNT(0)},
    {CONTROL_HAS_GC_COUNT, METRIC_PY_GC_COUNT1, GC_COUNT(1)},
    {CONTROL_HAS_GC_COUNT, METRIC_PY_GC_COUNT2, GC_COUNT(2)},
    {CONTROL_HAS_GC_GARBAGE, METRIC_PY_GC_GARBAGE, offsetof(struct control_stats, gc_garbage)},
    {CONTROL_HAS_GC_FROZEN, METRIC_PY_GC_FROZEN, offsetof(struct control_stats, gc_frozen)},
    {CONTROL_HAS_PY_BLOCKS, METRIC_PY_BLOCKS, offsetof(struct control_stats, py_blocks)},
};

void statistics_into_sample(const struct control_stats *stats, uint64_t mono_usec,
                            struct sample *sample)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const char *place = (const char *)stats + sources[i].offset;
        uint64_t value = *(const uint64_t *)(const void *)place;
        if (stats->has & sources[i].bit)
            sample_set(sample, sources[i].metric, (int64_t)value, mono_usec);
        else
            sample_clear(sample, sources[i].metric);
    }
    if (stats->has & CONTROL_HAS_GC_ENABLED)
        sample_set(sample, METRIC_PY_GC_ENABLED, stats->gc_enabled, mono_usec);
    else
        sample_clear(sample, METRIC_PY_GC_ENABLED);
}

void statistics_pools_into_sample(const struct control_stats *stats, uint64_t mono_usec,
                                  struct sample *sample)
{
    if (!(stats->has & CONTROL_HAS_PY_POOLS))
        return;
    sample_set(sample, METRIC_PY_USED, (int64_t)stats->py_used_bytes, mono_usec);
    sample_set(sample, METRIC_PY_PINNED, (int64_t)stats->py_pinned_bytes, mono_usec);
    sample_set(sample, METRIC_PY_FREE, (int64_t)stats->py_free_bytes, mono_usec);
    sample_set(sample, METRIC_PY_POOLS, (int64_t)stats->py_pools, mono_usec);
    sample_clear(sample, METRIC_PY_COVERAGE); /* of a scan from outside, before */
}

void statistics_forget(struct sample *sample)
{
    static const enum metric of_pools[] = {METRIC_PY_USED, METRIC_PY_PINNED, METRIC_PY_FREE,
                                           METRIC_PY_POOLS, METRIC_PY_COVERAGE};
    statistics_into_sample(&(struct control_stats){0}, 0, sample);
    for (size_t i = 0; i < sizeof(of_pools) / sizeof(of_pools[0]); i++)
        sample_clear(sample, of_pools[i]);
}

static uint64_t statistics_product(uint64_t a, uint64_t b)
{
    uint64_t result;
    return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

uint64_t statistics_interval_usec(const struct control_stats *stats, uint64_t least_usec)
{
    uint64_t cost = stats->malloc_usec;
    if (__builtin_add_overflow(cost, stats->hold_usec, &cost))
        cost = UINT64_MAX;
    bool dear = cost > STATISTICS_DEAR_USEC;
    uint64_t interval = statistics_product(least_usec, dear ? STATISTICS_DEAR_FACTOR : 1);
    uint64_t affordable = statistics_product(cost, STATISTICS_COST_FACTOR);
    return affordable > interval ? affordable : interval;
}

void statistics_into_info(const struct control_hello *hello, struct agent_info *ret_info)
{
    *ret_info = (struct agent_info){
        .version = (uint32_t)hello->version,
    };
    text_copy(ret_info->runtime, sizeof(ret_info->runtime), hello->runtime);
    text_copy(ret_info->interpreter, sizeof(ret_info->interpreter), hello->interpreter);
    text_copy(ret_info->allocator, sizeof(ret_info->allocator), hello->allocator);
}
