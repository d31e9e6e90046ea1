/* SPDX-License-Identifier: MIT */
#include "wire/layout.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const result_names[] = {
    "ok",   "gil_timeout", "closing", "not_ready", "unsupported", "too_many_objects",
    "busy", "bad_request", "failed",  "too_late",  NULL};
static const char *const mode_names[] = {"thread", "main", NULL};
static const char *const census_names[] = {"roots", "suspects", "full", NULL};
static const char *const finding_names[] = {"container", "type", "suspect", NULL};
static const char *const phase_names[] = {"begin", "end", "point", NULL};
static const char *const capability_names[] = {"malloc", "gc",    "collect", "trim", "freeze",
                                               "hooks",  "pools", "census",  NULL};

#define NUMBER(type, member, key_, required_, maximum_)                                            \
    {                                                                                              \
        .key = (key_), .kind = FIELD_U64, .required = (required_),                                 \
        .offset = offsetof(struct type, member), .maximum = (maximum_)                             \
    }
#define KNOWN(type, member, key_, kind_, has_)                                                     \
    {                                                                                              \
        .key = (key_), .kind = (kind_), .has = (has_), .offset = offsetof(struct type, member),    \
        .maximum = LAYOUT_ANY_NUMBER                                                               \
    }
#define BOOLEAN(type, member, key_)                                                                \
    {                                                                                              \
        .key = (key_), .kind = FIELD_BOOL, .required = true,                                       \
        .offset = offsetof(struct type, member)                                                    \
    }
#define TEXT(type, member, key_, required_)                                                        \
    {                                                                                              \
        .key = (key_), .kind = FIELD_TEXT, .required = (required_),                                \
        .offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)     \
    }
#define NAMED(type, member, key_, kind_, required_, names_)                                        \
    {                                                                                              \
        .key = (key_), .kind = (kind_), .required = (required_),                                   \
        .offset = offsetof(struct type, member), .names = (names_)                                 \
    }

static const struct field hello_fields[] = {
    NUMBER(control_hello, version, "v", true, LAYOUT_ANY_NUMBER),
    TEXT(control_hello, name, "name", false),
    TEXT(control_hello, runtime, "runtime", false),
    TEXT(control_hello, allocator, "allocator", false),
    TEXT(control_hello, interpreter, "interpreter", false),
    NAMED(control_hello, capabilities, "caps", FIELD_FLAGS, true, capability_names),
    NUMBER(control_hello, parent_pid, "ppid", true, CONTROL_PID_MAX),
    BOOLEAN(control_hello, forked, "forked"),
    NUMBER(control_hello, fork_parent_pid, "fork_ppid", false, CONTROL_PID_MAX),
    NUMBER(control_hello, fork_count, "fork_count", true, LAYOUT_ANY_NUMBER),
};

static const struct field stat_fields[] = {
    BOOLEAN(control_stat, malloc, "malloc"),
    BOOLEAN(control_stat, gc, "gc"),
    {.key = "pools", .kind = FIELD_BOOL, .offset = offsetof(struct control_stat, pools)},
    NUMBER(control_stat, gil_timeout_msec, "gil_timeout_msec", true, CONTROL_GIL_TIMEOUT_MAX_MSEC),
    NUMBER(control_stat, max_hold_usec, "max_hold_usec", false, LAYOUT_ANY_NUMBER),
};

#define STATS(member, kind_, has_) KNOWN(control_stats, member, #member, kind_, has_)
static const struct field stats_fields[] = {
    STATS(malloc_total_bytes, FIELD_U64, CONTROL_HAS_MALLOC_TOTAL),
    STATS(malloc_mapped_bytes, FIELD_U64, CONTROL_HAS_MALLOC_MAPPED),
    STATS(malloc_free_resident_bytes, FIELD_U64, CONTROL_HAS_MALLOC_FREE_RESIDENT),
    STATS(malloc_in_use_bytes, FIELD_U64, CONTROL_HAS_MALLOC_IN_USE),
    STATS(malloc_single_bytes, FIELD_U64, CONTROL_HAS_MALLOC_SINGLE),
    STATS(malloc_free_bytes, FIELD_U64, CONTROL_HAS_MALLOC_FREE),
    STATS(malloc_keepcost_bytes, FIELD_U64, CONTROL_HAS_MALLOC_KEEPCOST),
    STATS(malloc_arenas, FIELD_U64, CONTROL_HAS_MALLOC_ARENAS),
    STATS(malloc_usec, FIELD_U64, CONTROL_HAS_MALLOC_USEC),
    STATS(gc_enabled, FIELD_BOOL, CONTROL_HAS_GC_ENABLED),
    STATS(gc_debug, FIELD_U64, CONTROL_HAS_GC_DEBUG),
    STATS(gc_count, FIELD_TRIPLE, CONTROL_HAS_GC_COUNT),
    STATS(gc_threshold, FIELD_TRIPLE, CONTROL_HAS_GC_THRESHOLD),
    STATS(gc_garbage, FIELD_U64, CONTROL_HAS_GC_GARBAGE),
    STATS(gc_frozen, FIELD_U64, CONTROL_HAS_GC_FROZEN),
    STATS(py_blocks, FIELD_U64, CONTROL_HAS_PY_BLOCKS),
    STATS(gc_collections, FIELD_TRIPLE, CONTROL_HAS_GC_COLLECTIONS),
    STATS(gc_collected, FIELD_TRIPLE, CONTROL_HAS_GC_COLLECTED),
    STATS(gc_uncollectable, FIELD_TRIPLE, CONTROL_HAS_GC_UNCOLLECTABLE),
    STATS(py_arenas, FIELD_U64, CONTROL_HAS_PY_ARENAS),
    STATS(py_pools, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(py_free_pools, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(py_used_bytes, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(py_pinned_bytes, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(py_free_bytes, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(py_class_pools, FIELD_CLASSES, CONTROL_HAS_PY_POOLS),
    STATS(py_class_blocks, FIELD_CLASSES, CONTROL_HAS_PY_POOLS),
    STATS(py_partial, FIELD_BOOL, CONTROL_HAS_PY_PARTIAL),
    STATS(pools_usec, FIELD_U64, CONTROL_HAS_PY_POOLS),
    STATS(gil_wait_usec, FIELD_U64, CONTROL_HAS_GIL_WAIT_USEC),
    STATS(hold_usec, FIELD_U64, CONTROL_HAS_HOLD_USEC),
    NAMED(control_stats, py_result, "py_result", FIELD_CHOICE, false, result_names),
    NUMBER(control_stats, fork_count, "fork_count", true, LAYOUT_ANY_NUMBER),
};

static const struct field run_fields[] = {
    {.key = "steps", .kind = FIELD_STEPS, .required = true},
    NUMBER(control_run, generation, "generation", true, CONTROL_GENERATION_MAX),
    NAMED(control_run, mode, "mode", FIELD_CHOICE, true, mode_names),
    NUMBER(control_run, gil_timeout_msec, "gil_timeout_msec", true, CONTROL_GIL_TIMEOUT_MAX_MSEC),
    NUMBER(control_run, max_pause_usec, "max_pause_usec", true, LAYOUT_ANY_NUMBER),
};

static const struct field step_fields[] = {
    NUMBER(control_step, index, "index", true, CONTROL_STEPS_MAX - 1),
    TEXT(control_step, step, "step", true),
    NAMED(control_step, outcome, "outcome", FIELD_CHOICE, true, result_names),
    NAMED(control_step, mode, "mode", FIELD_CHOICE, true, mode_names),
    KNOWN(control_step, objects, "objects", FIELD_U64, CONTROL_STEP_HAS_OBJECTS),
    KNOWN(control_step, gil_wait_usec, "gil_wait_usec", FIELD_U64, CONTROL_STEP_HAS_GIL_WAIT_USEC),
    KNOWN(control_step, run_usec, "run_usec", FIELD_U64, CONTROL_STEP_HAS_RUN_USEC),
};

static const struct field done_fields[] = {
    NAMED(control_done, outcome, "outcome", FIELD_CHOICE, true, result_names),
    NUMBER(control_done, steps, "steps", true, CONTROL_STEPS_MAX),
};

static const struct field census_fields[] = {
    NAMED(control_census, mode, "mode", FIELD_CHOICE, true, census_names),
    NUMBER(control_census, top, "top", true, CONTROL_FINDINGS_MAX),
    NUMBER(control_census, max_objects, "max_objects", true, LAYOUT_ANY_NUMBER),
    NUMBER(control_census, gil_timeout_msec, "gil_timeout_msec", true,
           CONTROL_GIL_TIMEOUT_MAX_MSEC),
};

#define FINDING(member, kind_, has_) KNOWN(control_finding, member, #member, kind_, has_)
static const struct field finding_fields[] = {
    NAMED(control_finding, kind, "kind", FIELD_CHOICE, true, finding_names),
    TEXT(control_finding, path, "path", false),
    TEXT(control_finding, type, "type", false),
    TEXT(control_finding, text, "text", false),
    FINDING(count, FIELD_U64, CONTROL_FINDING_HAS_COUNT),
    FINDING(references, FIELD_U64, CONTROL_FINDING_HAS_REFERENCES),
    FINDING(rises, FIELD_U64, CONTROL_FINDING_HAS_GROWTH),
    FINDING(growth, FIELD_U64, CONTROL_FINDING_HAS_GROWTH),
    {.key = "holders",
     .kind = FIELD_HOLDERS,
     .required = true,
     .offset = offsetof(struct control_finding, holders)},
};

#define CENSUSED(member, has_) KNOWN(control_censused, member, #member, FIELD_U64, has_)
static const struct field censused_fields[] = {
    NAMED(control_censused, outcome, "outcome", FIELD_CHOICE, true, result_names),
    NUMBER(control_censused, findings, "findings", true, CONTROL_FINDINGS_MAX),
    BOOLEAN(control_censused, truncated, "truncated"),
    CENSUSED(objects, CONTROL_CENSUSED_HAS_OBJECTS),
    CENSUSED(gil_wait_usec, CONTROL_CENSUSED_HAS_GIL_WAIT_USEC),
    CENSUSED(hold_usec, CONTROL_CENSUSED_HAS_HOLD_USEC),
    CENSUSED(run_usec, CONTROL_CENSUSED_HAS_HOLD_USEC),
};

static const struct field mark_fields[] = {
    TEXT(control_mark, name, "name", true),
    NAMED(control_mark, phase, "phase", FIELD_CHOICE, true, phase_names),
    NUMBER(control_mark, span, "span", true, LAYOUT_ANY_NUMBER),
    NUMBER(control_mark, usec, "usec", false, LAYOUT_ANY_NUMBER),
    NUMBER(control_mark, left_out, "left_out", false, LAYOUT_ANY_NUMBER),
};

static const struct field error_fields[] = {
    NAMED(control_error, error, "error", FIELD_CHOICE, true, result_names),
};

static const struct field bye_fields[] = {
    TEXT(control_bye, why, "why", true),
};

const struct layout layouts[] = {
    [CONTROL_HELLO] = {"hello", ID_NONE, hello_fields, COUNT_OF(hello_fields), 0},
    [CONTROL_STAT] = {"stat", ID_REQUIRED, stat_fields, COUNT_OF(stat_fields), 0},
    [CONTROL_STATS] = {"stats", ID_REQUIRED, stats_fields, COUNT_OF(stats_fields),
                       offsetof(struct control_stats, has)},
    [CONTROL_RUN] = {"run", ID_REQUIRED, run_fields, COUNT_OF(run_fields), 0},
    [CONTROL_STEP] = {"step", ID_REQUIRED, step_fields, COUNT_OF(step_fields),
                      offsetof(struct control_step, has)},
    [CONTROL_DONE] = {"done", ID_REQUIRED, done_fields, COUNT_OF(done_fields), 0},
    [CONTROL_CENSUS] = {"census", ID_REQUIRED, census_fields, COUNT_OF(census_fields), 0},
    [CONTROL_FINDING] = {"finding", ID_REQUIRED, finding_fields, COUNT_OF(finding_fields),
                         offsetof(struct control_finding, has)},
    [CONTROL_CENSUSED] = {"censused", ID_REQUIRED, censused_fields, COUNT_OF(censused_fields),
                          offsetof(struct control_censused, has)},
    [CONTROL_MARK] = {"mark", ID_NONE, mark_fields, COUNT_OF(mark_fields), 0},
    [CONTROL_ERROR] = {"error", ID_OPTIONAL, error_fields, COUNT_OF(error_fields), 0},
    [CONTROL_BYE] = {"bye", ID_NONE, bye_fields, COUNT_OF(bye_fields), 0},
};
const size_t layout_count = COUNT_OF(layouts);

bool layout_step_is_sound(const char *step)
{
    return step[0] && strspn(step, "abcdefghijklmnopqrstuvwxyz_") == strlen(step);
}
