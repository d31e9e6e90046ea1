/* SPDX-License-Identifier: MIT */
#include "python.h"

#include "base/clock.h"
#include "base/text.h"
#include "contact.h"
#include "gil.h"
#include "symbols.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Before 3.7 a foreign thread cannot know when it may take the GIL; after 3.13 nobody has tried. */
#define PYTHON_MINOR_MIN 7
#define PYTHON_MINOR_MAX 13
/* Contact may fail while the interpreter is coming up; then it is given up for good. */
#define PYTHON_CONTACT_TRIES 100
/* Pause of the first collect of a process, per block of pymalloc: 75 to 130 ns per object were
 * measured, and an object is two to three blocks. Later ones are predicted from the last. */
#define PYTHON_COLLECT_NSEC_PER_BLOCK 40

struct python_api python_api;

static struct {
    char runtime[CONTROL_TEXT_SIZE];
    uint64_t minor; /* of version 3 */
    bool supported;
    _Atomic bool ready;
    _Atomic int contact_tries;
    /* Owned references that live as long as the interpreter. */
    void *collect, *is_enabled, *get_debug, *get_count, *get_threshold, *get_freeze_count;
    void *gc, *get_blocks;
    /* The last full collect, for predicting the next. */
    uint64_t last_run_usec, last_blocks;
} python;

#define API(member, name_)                                                                         \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct python_api, member), .required = true           \
    }

static const struct symbol python_symbols[] = {
    API(is_initialized, "Py_IsInitialized"),
    API(gil_ensure, "PyGILState_Ensure"),
    API(gil_release, "PyGILState_Release"),
    API(save_thread, "PyEval_SaveThread"),
    API(restore_thread, "PyEval_RestoreThread"),
    API(add_pending_call, "Py_AddPendingCall"),
    API(get_modules, "PyImport_GetModuleDict"),
    API(dict_get, "PyDict_GetItemString"),
    API(list_new, "PyList_New"),
    API(dict_new, "PyDict_New"),
    API(dict_set, "PyDict_SetItemString"),
    API(get_attribute, "PyObject_GetAttrString"),
    API(set_attribute, "PyObject_SetAttrString"),
    API(text_new, "PyUnicode_FromString"),
    API(bool_new, "PyBool_FromLong"),
    API(call, "PyObject_Call"),
    API(is_true, "PyObject_IsTrue"),
    API(size, "PyObject_Size"),
    API(tuple_new, "PyTuple_New"),
    API(tuple_set, "PyTuple_SetItem"),
    API(tuple_get, "PyTuple_GetItem"),
    API(long_new, "PyLong_FromLong"),
    API(long_get, "PyLong_AsLongLong"),
    API(function_new, "PyCFunction_NewEx"),
    API(error_clear, "PyErr_Clear"),
    API(error_occurred, "PyErr_Occurred"),
    API(ref, "Py_IncRef"),
    API(unref, "Py_DecRef"),
    API(none, "_Py_NoneStruct"),
};

bool python_is_present(void)
{
    return symbols_find(RTLD_DEFAULT, "Py_IsInitialized") != NULL;
}

static bool python_load(void)
{
    bool complete = symbols_load(RTLD_DEFAULT, python_symbols,
                                 sizeof(python_symbols) / sizeof(python_symbols[0]), &python_api);
    void *finalizing = symbols_find(RTLD_DEFAULT, "Py_IsFinalizing"); /* from 3.13 */
    if (!finalizing)
        finalizing = symbols_find(RTLD_DEFAULT, "_Py_IsFinalizing"); /* 3.7 to 3.12 */
    memcpy(&python_api.is_finalizing, &finalizing, sizeof(finalizing));
    return complete && finalizing;
}

void python_identify(void)
{
    const char *(*get_version)(void);
    void *found = symbols_find(RTLD_DEFAULT, "Py_GetVersion");
    if (!python_is_present() || !found)
        return;
    memcpy(&get_version, &found, sizeof(found));
    const char *version = get_version(); /* "3.13.0 (main, ...) [GCC ...]"; works at any time */
    size_t length = text_copy(python.runtime, sizeof(python.runtime), "cpython ");
    text_copy_span(python.runtime + length, sizeof(python.runtime) - length, version,
                   strcspn(version, " "));
    size_t used;
    if (strncmp(version, "3.", 2) != 0 ||
        text_scan_u64(version + 2, strlen(version + 2), &python.minor, &used) < 0)
        return;
    python.supported = python.minor >= PYTHON_MINOR_MIN && python.minor <= PYTHON_MINOR_MAX &&
                       !strstr(version, "free-threading") && python_load();
}

bool python_is_supported(void)
{
    return python.supported;
}

bool python_counts_threads_late(void)
{
    return python.minor >= 13;
}

const char *python_runtime(void)
{
    return python.runtime;
}

bool python_is_ready(void)
{
    return atomic_load(&python.ready);
}

bool python_wants_contact(void)
{
    return python.supported && !python_is_ready() && !gil_is_closed() &&
           atomic_load(&python.contact_tries) < PYTHON_CONTACT_TRIES && python_api.is_initialized();
}

void *python_call(void *function, void *arguments)
{
    if (!arguments)
        arguments = python_api.tuple_new(0);
    void *result = arguments && function ? python_api.call(function, arguments, NULL) : NULL;
    if (arguments)
        python_api.unref(arguments);
    if (!result)
        python_api.error_clear();
    return result;
}

/* What is missing was not there, or there was no memory for it: the next job tries again. */
static bool python_open(void)
{
    const struct {
        void **place;
        const char *module, *attribute;
    } wanted[] = {
        {&python.collect, "gc", "collect"},
        {&python.is_enabled, "gc", "isenabled"},
        {&python.get_debug, "gc", "get_debug"},
        {&python.get_count, "gc", "get_count"},
        {&python.get_threshold, "gc", "get_threshold"},
        {&python.get_freeze_count, "gc", "get_freeze_count"},
        {&python.get_blocks, "sys", "getallocatedblocks"},
    };
    if (!python.gc)
        python.gc = contact_module("gc");
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        void *module = *wanted[i].place ? NULL : contact_module(wanted[i].module);
        if (module)
            *wanted[i].place = python_api.get_attribute(module, wanted[i].attribute);
        if (module)
            python_api.unref(module);
    }
    python_api.error_clear();
    return python.gc && python.collect;
}

/* ---- numbers ---- */

/* A whole number >= 0; takes the reference. */
static bool python_number(void *object, uint64_t *ret_value)
{
    long long value = object ? python_api.long_get(object) : -1;
    if (object)
        python_api.unref(object);
    if (python_api.error_occurred())
        python_api.error_clear();
    if (value < 0)
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

static bool python_triple(void *function, uint64_t ret_values[static 3])
{
    uint64_t values[3];
    void *tuple = python_call(function, NULL);
    bool known = tuple && python_api.size(tuple) == 3;
    for (int i = 0; known && i < 3; i++) {
        void *item = python_api.tuple_get(tuple, i); /* borrowed */
        if (item)
            python_api.ref(item);
        known = python_number(item, &values[i]);
    }
    if (tuple)
        python_api.unref(tuple);
    python_api.error_clear();
    if (known)
        memcpy(ret_values, values, sizeof(values));
    return known;
}

static bool python_garbage(uint64_t *ret_count)
{
    void *list = python_api.get_attribute(python.gc, "garbage");
    ssize_t count = list ? python_api.size(list) : -1;
    if (list)
        python_api.unref(list);
    python_api.error_clear();
    if (count < 0)
        return false;
    *ret_count = (uint64_t)count;
    return true;
}

static bool python_enabled(bool *ret_enabled)
{
    void *answer = python_call(python.is_enabled, NULL);
    int enabled = answer ? python_api.is_true(answer) : -1;
    if (answer)
        python_api.unref(answer);
    if (enabled < 0)
        return false;
    *ret_enabled = enabled == 1;
    return true;
}

static void python_stat(struct control_stats *stats)
{
    if (python_enabled(&stats->gc_enabled))
        stats->has |= CONTROL_HAS_GC_ENABLED;
    if (python_number(python_call(python.get_debug, NULL), &stats->gc_debug))
        stats->has |= CONTROL_HAS_GC_DEBUG;
    if (python_triple(python.get_count, stats->gc_count))
        stats->has |= CONTROL_HAS_GC_COUNT;
    if (python_triple(python.get_threshold, stats->gc_threshold))
        stats->has |= CONTROL_HAS_GC_THRESHOLD;
    if (python_garbage(&stats->gc_garbage))
        stats->has |= CONTROL_HAS_GC_GARBAGE;
    if (python_number(python_call(python.get_freeze_count, NULL), &stats->gc_frozen))
        stats->has |= CONTROL_HAS_GC_FROZEN;
    if (python_number(python_call(python.get_blocks, NULL), &stats->py_blocks))
        stats->has |= CONTROL_HAS_PY_BLOCKS;
}

/* ---- collect ---- */

/* Frameworks whose objects must die on the thread that runs their loop. */
static bool python_finalisers_are_bound(void)
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

static uint64_t python_predict_usec(uint64_t blocks)
{
    if (python.last_blocks == 0)
        return blocks * PYTHON_COLLECT_NSEC_PER_BLOCK / 1000;
    return (uint64_t)((double)python.last_run_usec * (double)blocks / (double)python.last_blocks);
}

/* GIL held, ticket claimed; on the job's thread or on the main one. */
static void python_collect(const struct job_request *request, struct job_result *result)
{
    uint64_t blocks = 0;
    bool counted = python_number(python_call(python.get_blocks, NULL), &blocks);
    if (request->max_pause_usec > 0 && counted &&
        python_predict_usec(blocks) > request->max_pause_usec) {
        result->result = CONTROL_RESULT_TOO_MANY_OBJECTS;
        return;
    }
    void *arguments = python_api.tuple_new(1);
    if (arguments)
        python_api.tuple_set(arguments, 0, python_api.long_new((long)request->generation));
    uint64_t begin = clock_mono_usec();
    bool done =
        arguments && python_number(python_call(python.collect, arguments), &result->objects);
    result->run_usec = clock_mono_usec() - begin;
    result->result = done ? CONTROL_RESULT_OK : CONTROL_RESULT_FAILED;
    if (done && counted && request->generation == CONTROL_GENERATION_MAX) {
        python.last_run_usec = result->run_usec;
        python.last_blocks = blocks;
    }
}

/* What a pending call needs; it outlives neither its ticket nor the process. */
static struct {
    const struct job_request *request;
    struct job_result *result;
    uint64_t begin_usec;
} python_pending;

/* Main thread, GIL held. */
static int python_on_main(void *argument)
{
    uint64_t ticket = (uint64_t)(uintptr_t)argument;
    if (gil_is_closed() || !job_claim(ticket))
        return 0;
    python_pending.result->gil_wait_usec = clock_mono_usec() - python_pending.begin_usec;
    python_collect(python_pending.request, python_pending.result);
    job_completed(ticket);
    return 0;
}

/* Called with the GIL, which is given back here. The ticket is open again while we wait. */
static void python_collect_on_main(const struct job_request *request, uint64_t ticket, int gil,
                                   uint64_t begin_usec, struct job_result *result)
{
    result->mode = CONTROL_MODE_MAIN;
    python_pending.request = request;
    python_pending.result = result;
    python_pending.begin_usec = begin_usec;
    job_put_back(ticket);
    bool queued = python_api.add_pending_call(python_on_main, (void *)(uintptr_t)ticket) == 0;
    /* Giving the GIL back makes the main thread look at its pending calls, which 3.11 and 3.12
     * otherwise forget. */
    gil_drop(gil);
    if (!queued && job_claim(ticket)) {
        result->result = CONTROL_RESULT_BUSY;
        return;
    }
    if (!job_await(ticket)) {
        result->result = gil_is_closed() ? CONTROL_RESULT_CLOSING : CONTROL_RESULT_GIL_TIMEOUT;
        result->interrupted = !gil_is_closed();
    }
}

/* ---- jobs ---- */

static enum control_result python_refusal(enum gil_outcome outcome)
{
    if (outcome == GIL_NO_MEMORY)
        return CONTROL_RESULT_FAILED;
    return outcome == GIL_CLOSING ? CONTROL_RESULT_CLOSING : CONTROL_RESULT_NOT_READY;
}

static void python_contact(struct job_result *result)
{
    atomic_fetch_add(&python.contact_tries, 1);
    bool done = contact_register() == 0;
    atomic_store(&python.ready, done);
    result->result = done ? CONTROL_RESULT_OK : CONTROL_RESULT_FAILED;
}

void python_perform(const struct job_request *request, uint64_t ticket, struct job_result *result)
{
    int gil;
    uint64_t begin = clock_mono_usec();
    enum gil_outcome outcome = gil_take(ticket, &gil);
    if (outcome != GIL_TAKEN) {
        result->result = python_refusal(outcome);
        result->interrupted = outcome == GIL_INTERRUPTED;
        return;
    }
    uint64_t taken = clock_mono_usec();
    result->gil_wait_usec = taken - begin;
    if (request->kind == JOB_CONTACT) {
        python_contact(result);
    } else if (!python_open()) {
        result->result = CONTROL_RESULT_FAILED;
    } else if (request->kind == JOB_STAT) {
        python_stat(&result->stats);
    } else if (request->mode == CONTROL_MODE_MAIN || python_finalisers_are_bound()) {
        python_collect_on_main(request, ticket, gil, begin, result);
        return;
    } else {
        python_collect(request, result);
    }
    if (request->kind == JOB_STAT)
        result->run_usec = clock_mono_usec() - taken;
    gil_drop(gil);
}
