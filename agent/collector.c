/* SPDX-License-Identifier: MIT */
#include "collector.h"

#include "base/clock.h"
#include "builtin.h"
#include "python.h"
#include "session.h"

#include <stdint.h>
#include <string.h>

/* Pause of the first collect of a process, per block of pymalloc: 75 to 130 ns per object were
 * measured, and an object is two to three blocks. Later ones are predicted from the last. */
#define COLLECTOR_NSEC_PER_BLOCK 40
/* Two to five minutes at the daemon's pace. */
#define COLLECTOR_LEFT_OUT_MAX 30

static struct {
    /* Owned references that live as long as the interpreter. */
    void *collect, *is_enabled, *get_debug, *get_count, *get_threshold, *get_freeze_count;
    void *get_stats, *freeze, *gc, *get_blocks;
    /* The last full collect, for predicting the next. */
    uint64_t last_run_usec, last_blocks;
} collector;

/* A new reference; there may be several gc, and ours is enough. */
static void *collector_module_of(const char *name)
{
    if (strcmp(name, "gc") != 0 || !collector.gc)
        return builtin_module(name);
    python_api.ref(collector.gc);
    return collector.gc;
}

/* What is missing was not there, or there was no memory for it: the next job tries again. */
bool collector_open(void)
{
    const struct {
        void **place;
        const char *module, *attribute;
    } wanted[] = {
        {&collector.collect, "gc", "collect"},
        {&collector.is_enabled, "gc", "isenabled"},
        {&collector.get_debug, "gc", "get_debug"},
        {&collector.get_count, "gc", "get_count"},
        {&collector.get_threshold, "gc", "get_threshold"},
        {&collector.get_freeze_count, "gc", "get_freeze_count"},
        {&collector.get_stats, "gc", "get_stats"},
        {&collector.freeze, "gc", "freeze"},
        {&collector.get_blocks, "sys", "getallocatedblocks"},
    };
    if (!collector.gc)
        collector.gc = builtin_module("gc");
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        void *module = *wanted[i].place ? NULL : collector_module_of(wanted[i].module);
        if (module)
            *wanted[i].place = python_api.get_attribute(module, wanted[i].attribute);
        if (module)
            python_api.unref(module);
    }
    python_api.error_clear();
    return collector.gc && collector.collect;
}

void collector_forget(void)
{
    memset(&collector, 0, sizeof(collector));
}

static bool collector_read_enabled(struct control_stats *stats)
{
    void *answer = python_call(collector.is_enabled, NULL);
    int enabled = answer ? python_api.is_true(answer) : -1;
    if (answer)
        python_api.unref(answer);
    stats->gc_enabled = enabled == 1;
    return enabled >= 0;
}

void *collector_module(void)
{
    return collector.gc;
}

/* From 3.12 sys.getallocatedblocks() reads what other interpreters allocate, without their locks:
 * it crashed one process in six that made some. */
bool collector_blocks(uint64_t *ret_blocks)
{
    if (python_version() >= PYTHON_3_12 && !python_has_one_interpreter())
        return false;
    return python_number(python_call(collector.get_blocks, NULL), ret_blocks);
}

static void collector_switch(const char *name)
{
    void *function = python_api.get_attribute(collector.gc, name);
    void *answer = python_call(function, NULL);
    if (answer)
        python_api.unref(answer);
    if (function)
        python_api.unref(function);
    python_api.error_clear();
}

bool collector_pause(void)
{
    struct control_stats stats;
    bool enabled = collector_read_enabled(&stats) && stats.gc_enabled;
    if (enabled)
        collector_switch("disable");
    return enabled;
}

void collector_unpause(bool was_enabled)
{
    if (was_enabled)
        collector_switch("enable");
}

/* ---- numbers ---- */

static bool collector_read_debug(struct control_stats *stats)
{
    return python_number(python_call(collector.get_debug, NULL), &stats->gc_debug);
}

static bool collector_read_count(struct control_stats *stats)
{
    return python_triple(collector.get_count, stats->gc_count);
}

static bool collector_read_threshold(struct control_stats *stats)
{
    return python_triple(collector.get_threshold, stats->gc_threshold);
}

static bool collector_read_garbage(struct control_stats *stats)
{
    void *list = python_api.get_attribute(collector.gc, "garbage");
    ssize_t count = list ? python_api.size(list) : -1;
    if (list)
        python_api.unref(list);
    python_api.error_clear();
    stats->gc_garbage = count < 0 ? 0 : (uint64_t)count;
    return count >= 0;
}

static bool collector_read_frozen(struct control_stats *stats)
{
    return python_number(python_call(collector.get_freeze_count, NULL), &stats->gc_frozen);
}

static bool collector_number_in(void *dict, const char *key, uint64_t *ret_value)
{
    void *value = dict ? python_api.dict_get(dict, key) : NULL; /* borrowed */
    if (value)
        python_api.ref(value);
    return python_number(value, ret_value);
}

/* gc.get_stats(): a list of three dicts. */
static bool collector_read_generations(struct control_stats *stats)
{
    void *list = python_call(collector.get_stats, NULL);
    bool known = list && python_api.size(list) == 3;
    for (int i = 0; known && i < 3; i++) {
        void *one = python_api.list_get(list, i); /* borrowed */
        known = collector_number_in(one, "collections", &stats->gc_collections[i]) &&
                collector_number_in(one, "collected", &stats->gc_collected[i]) &&
                collector_number_in(one, "uncollectable", &stats->gc_uncollectable[i]);
    }
    if (list)
        python_api.unref(list);
    python_api.error_clear();
    return known;
}

static bool collector_read_blocks(struct control_stats *stats)
{
    return collector_blocks(&stats->py_blocks);
}

/* In order of worth: where the budget ends, the rest is left out. */
static struct collector_reading {
    bool (*read)(struct control_stats *stats);
    uint64_t cost_usec; /* of the last time */
    uint32_t has;
    unsigned left_out; /* how often since then */
} collector_readings[] = {
    {.read = collector_read_enabled, .has = CONTROL_HAS_GC_ENABLED},
    {.read = collector_read_count, .has = CONTROL_HAS_GC_COUNT},
    {.read = collector_read_threshold, .has = CONTROL_HAS_GC_THRESHOLD},
    {.read = collector_read_garbage, .has = CONTROL_HAS_GC_GARBAGE},
    {.read = collector_read_debug, .has = CONTROL_HAS_GC_DEBUG},
    {.read = collector_read_frozen, .has = CONTROL_HAS_GC_FROZEN},
    {.read = collector_read_generations,
     .has = CONTROL_HAS_GC_COLLECTIONS | CONTROL_HAS_GC_COLLECTED | CONTROL_HAS_GC_UNCOLLECTABLE},
    {.read = collector_read_blocks, .has = CONTROL_HAS_PY_BLOCKS}, /* walks all arenas from 3.9 */
};

/* What was too dear once may be cheap by now: it is tried again after so many times. */
static bool collector_affords(struct collector_reading *reading, uint64_t left_usec)
{
    if (reading->cost_usec <= left_usec || ++reading->left_out > COLLECTOR_LEFT_OUT_MAX) {
        reading->left_out = 0;
        return true;
    }
    return false;
}

void collector_stat(const struct job_request *request, struct job_result *result)
{
    uint64_t begin = clock_mono_usec(), spent = 0;
    uint64_t budget = request->max_pause_usec > 0 ? request->max_pause_usec : UINT64_MAX;
    for (size_t i = 0; i < sizeof(collector_readings) / sizeof(collector_readings[0]); i++) {
        struct collector_reading *reading = &collector_readings[i];
        if (!collector_affords(reading, spent < budget ? budget - spent : 0))
            continue;
        if (reading->read(&result->stats))
            result->stats.has |= reading->has;
        uint64_t now = clock_mono_usec() - begin;
        reading->cost_usec = now - spent;
        spent = now;
    }
}

/* ---- collect ---- */

/* Frameworks whose objects must die on the thread that runs their loop. */
bool collector_finalisers_are_bound(void)
{
    static const char *const frameworks[] = {"asyncio",        "gevent",       "eventlet",
                                             "PyQt5.QtCore",   "PyQt6.QtCore", "PySide2.QtCore",
                                             "PySide6.QtCore", "PyQt4.QtCore", "_tkinter"};
    void *modules = python_api.get_modules(); /* borrowed */
    for (size_t i = 0; modules && i < sizeof(frameworks) / sizeof(frameworks[0]); i++)
        if (python_api.dict_get(modules, frameworks[i]))
            return true;
    return false;
}

static uint64_t collector_predict_usec(uint64_t blocks)
{
    if (collector.last_blocks == 0)
        return blocks * COLLECTOR_NSEC_PER_BLOCK / 1000;
    return (uint64_t)((double)collector.last_run_usec * (double)blocks /
                      (double)collector.last_blocks);
}

void collector_collect(const struct job_request *request, struct job_result *result)
{
    uint64_t blocks = 0;
    bool counted = collector_blocks(&blocks);
    if (request->max_pause_usec > 0 && counted &&
        collector_predict_usec(blocks) > request->max_pause_usec) {
        result->result = CONTROL_RESULT_TOO_MANY_OBJECTS;
        return;
    }
    void *arguments = python_api.tuple_new(1);
    if (arguments)
        python_api.tuple_set(arguments, 0, python_api.long_new((long)request->generation));
    uint64_t begin = clock_mono_usec();
    bool done =
        arguments && python_number(python_call(collector.collect, arguments), &result->objects);
    result->result = done ? CONTROL_RESULT_OK : CONTROL_RESULT_FAILED;
    if (done && counted && request->generation == CONTROL_GENERATION_MAX) {
        collector.last_run_usec = clock_mono_usec() - begin;
        collector.last_blocks = blocks;
    }
}

/* ---- freeze ---- */

static bool collector_freeze_now(uint64_t *ret_objects)
{
    void *answer = python_call(collector.freeze, NULL);
    if (answer)
        python_api.unref(answer);
    return answer && python_number(python_call(collector.get_freeze_count, NULL), ret_objects);
}

void collector_freeze(const struct job_request *request, struct job_result *result)
{
    (void)request;
    if (!collector.freeze)
        result->result = CONTROL_RESULT_UNSUPPORTED; /* before 3.7 */
    else if (session_fork_count() > 0)
        result->result = CONTROL_RESULT_TOO_LATE;
    else if (!collector_freeze_now(&result->objects))
        result->result = CONTROL_RESULT_FAILED;
}

void collector_before_first_fork(void)
{
    uint64_t objects;
    if (session_fork_count() == 0 && collector_open() && collector.freeze)
        collector_freeze_now(&objects);
}
