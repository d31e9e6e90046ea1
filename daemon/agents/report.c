/* SPDX-License-Identifier: MIT */
#include "agents/report.h"

#include <string.h>

/* pymalloc's size classes on the wire: (i + 1) times this. */
#define REPORT_CLASS_STEP 8

static const struct report_row {
    const char *section, *key;
    size_t offset; /* in struct control_stats */
    enum control_stats_field bit;
    enum agent_value_kind kind;
} report_rows[] = {
#define ROW(bit_, section_, key_, kind_, member)                                                   \
    {                                                                                              \
        .section = (section_), .key = (key_), .offset = offsetof(struct control_stats, member),    \
        .bit = CONTROL_HAS_##bit_, .kind = AGENT_VALUE_##kind_                                     \
    }
    ROW(MALLOC_IN_USE, "malloc", "in_use_bytes", NUMBER, malloc_in_use_bytes),
    ROW(MALLOC_SINGLE, "malloc", "single_bytes", NUMBER, malloc_single_bytes),
    ROW(MALLOC_FREE, "malloc", "free_bytes", NUMBER, malloc_free_bytes),
    ROW(MALLOC_FREE_RESIDENT, "malloc", "free_resident_bytes", NUMBER, malloc_free_resident_bytes),
    ROW(MALLOC_KEEPCOST, "malloc", "top_bytes", NUMBER, malloc_keepcost_bytes),
    ROW(MALLOC_TOTAL, "malloc", "total_bytes", NUMBER, malloc_total_bytes),
    ROW(MALLOC_MAPPED, "malloc", "mapped_bytes", NUMBER, malloc_mapped_bytes),
    ROW(MALLOC_ARENAS, "malloc", "arenas", NUMBER, malloc_arenas),
    ROW(GC_ENABLED, "gc", "enabled", FLAG, gc_enabled),
    ROW(GC_DEBUG, "gc", "debug", NUMBER, gc_debug),
    ROW(GC_COUNT, "gc", "count", GENERATIONS, gc_count),
    ROW(GC_THRESHOLD, "gc", "threshold", GENERATIONS, gc_threshold),
    ROW(GC_COLLECTIONS, "gc", "collections", GENERATIONS, gc_collections),
    ROW(GC_COLLECTED, "gc", "collected", GENERATIONS, gc_collected),
    ROW(GC_UNCOLLECTABLE, "gc", "uncollectable", GENERATIONS, gc_uncollectable),
    ROW(GC_GARBAGE, "gc", "garbage", NUMBER, gc_garbage),
    ROW(GC_FROZEN, "gc", "frozen", NUMBER, gc_frozen),
    ROW(PY_BLOCKS, "gc", "allocated_blocks", NUMBER, py_blocks),
    ROW(PY_ARENAS, "pymalloc", "arenas", NUMBER, py_arenas),
    ROW(PY_POOLS, "pymalloc", "pools", NUMBER, py_pools),
    ROW(PY_POOLS, "pymalloc", "free_pools", NUMBER, py_free_pools),
    ROW(PY_POOLS, "pymalloc", "used_bytes", NUMBER, py_used_bytes),
    ROW(PY_POOLS, "pymalloc", "pinned_bytes", NUMBER, py_pinned_bytes),
    ROW(PY_POOLS, "pymalloc", "free_bytes", NUMBER, py_free_bytes),
    ROW(PY_PARTIAL, "pymalloc", "partial", FLAG, py_partial),
    ROW(MALLOC_USEC, "cost", "malloc_usec", NUMBER, malloc_usec),
    ROW(GIL_WAIT_USEC, "cost", "gil_wait_usec", NUMBER, gil_wait_usec),
    ROW(HOLD_USEC, "cost", "gil_hold_usec", NUMBER, hold_usec),
    ROW(PY_POOLS, "cost", "pools_usec", NUMBER, pools_usec),
#undef ROW
};

_Static_assert(sizeof(report_rows) / sizeof(report_rows[0]) <= AGENT_REPORT_VALUES,
               "every row has its place");

/* Bits that only an answer about pools has. */
#define REPORT_POOLS (CONTROL_HAS_PY_POOLS | CONTROL_HAS_PY_ARENAS | CONTROL_HAS_PY_PARTIAL)

static void report_value(const struct report_row *row, const struct control_stats *stats,
                         struct agent_value *ret_value)
{
    const char *place = (const char *)stats + row->offset;
    *ret_value = (struct agent_value){.section = row->section, .key = row->key, .kind = row->kind};
    if (row->kind == AGENT_VALUE_FLAG)
        ret_value->numbers[0] = *(const bool *)place;
    else
        memcpy(ret_value->numbers, place,
               (row->kind == AGENT_VALUE_GENERATIONS ? 3 : 1) * sizeof(int64_t));
}

static void report_classes(const struct control_stats *pools, struct agent_report *report)
{
    for (uint32_t i = 0; i < pools->py_class_pools.count && i < AGENT_REPORT_CLASSES; i++) {
        bool has_blocks = i < pools->py_class_blocks.count;
        if (pools->py_class_pools.values[i] == 0)
            continue;
        report->classes[report->class_count++] = (struct agent_class){
            .block_bytes = (int64_t)(i + 1) * REPORT_CLASS_STEP,
            .pools = pools->py_class_pools.values[i],
            .blocks = has_blocks ? pools->py_class_blocks.values[i] : 0,
        };
    }
}

void report_fill(const struct control_stats *stats, const struct control_stats *pools,
                 struct agent_report *ret_report)
{
    *ret_report = (struct agent_report){.has_pools = pools->has & CONTROL_HAS_PY_POOLS};
    for (size_t i = 0; i < sizeof(report_rows) / sizeof(report_rows[0]); i++) {
        const struct report_row *row = &report_rows[i];
        const struct control_stats *from = row->bit & REPORT_POOLS ? pools : stats;
        if (from->has & row->bit)
            report_value(row, from, &ret_report->values[ret_report->value_count++]);
    }
    report_classes(pools, ret_report);
}
