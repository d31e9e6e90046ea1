/* SPDX-License-Identifier: MIT */
#include "collector.h"

#include "base/clock.h"
#include "contact.h"
#include "python.h"

#include <stdint.h>

/* Pause of the first collect of a process, per block of pymalloc: 75 to 130 ns per object were
 * measured, and an object is two to three blocks. Later ones are predicted from the last. */
#define COLLECTOR_NSEC_PER_BLOCK 40

static struct {
    /* Owned references that live as long as the interpreter. */
    void *collect, *is_enabled, *get_debug, *get_count, *get_threshold, *get_freeze_count;
    void *gc, *get_blocks;
    /* The last full collect, for predicting the next. */
    uint64_t last_run_usec, last_blocks;
} collector;

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
        {&collector.get_blocks, "sys", "getallocatedblocks"},
    };
    if (!collector.gc)
        collector.gc = contact_module("gc");
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        void *module = *wanted[i].place ? NULL : contact_module(wanted[i].module);
        if (module)
            *wanted[i].place = python_api.get_attribute(module, wanted[i].attribute);
        if (module)
            python_api.unref(module);
    }
    python_api.error_clear();
    return collector.gc && collector.collect;
}

/* ---- numbers ---- */

static bool collector_garbage(uint64_t *ret_count)
{
    void *list = python_api.get_attribute(collector.gc, "garbage");
    ssize_t count = list ? python_api.size(list) : -1;
    if (list)
        python_api.unref(list);
    python_api.error_clear();
    if (count < 0)
        return false;
    *ret_count = (uint64_t)count;
    return true;
}

static bool collector_enabled(bool *ret_enabled)
{
    void *answer = python_call(collector.is_enabled, NULL);
    int enabled = answer ? python_api.is_true(answer) : -1;
    if (answer)
        python_api.unref(answer);
    if (enabled < 0)
        return false;
    *ret_enabled = enabled == 1;
    return true;
}

void collector_stat(const struct job_request *request, struct job_result *result)
{
    (void)request;
    struct control_stats *stats = &result->stats;
    if (collector_enabled(&stats->gc_enabled))
        stats->has |= CONTROL_HAS_GC_ENABLED;
    if (python_number(python_call(collector.get_debug, NULL), &stats->gc_debug))
        stats->has |= CONTROL_HAS_GC_DEBUG;
    if (python_triple(collector.get_count, stats->gc_count))
        stats->has |= CONTROL_HAS_GC_COUNT;
    if (python_triple(collector.get_threshold, stats->gc_threshold))
        stats->has |= CONTROL_HAS_GC_THRESHOLD;
    if (collector_garbage(&stats->gc_garbage))
        stats->has |= CONTROL_HAS_GC_GARBAGE;
    if (python_number(python_call(collector.get_freeze_count, NULL), &stats->gc_frozen))
        stats->has |= CONTROL_HAS_GC_FROZEN;
    if (python_number(python_call(collector.get_blocks, NULL), &stats->py_blocks))
        stats->has |= CONTROL_HAS_PY_BLOCKS;
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
    bool counted = python_number(python_call(collector.get_blocks, NULL), &blocks);
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
