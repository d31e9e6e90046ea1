/* SPDX-License-Identifier: MIT */
#include "census.h"

#include "base/clock.h"
#include "collector.h"
#include "histogram.h"
#include "pyobject.h"
#include "python.h"
#include "roots.h"
#include "suspects.h"

#include <sys/mman.h>

/* The walk's share of a hold of 5 ms: what follows it takes well under one. In CPU time of the
 * thread: on a machine where it has to wait for its turn, an answer without content would not make
 * the hold any shorter. */
#define CENSUS_WALK_USEC 3500
#define CENSUS_HOLD_USEC 4500

static struct {
    bool loaded, allowed;
    size_t count;
    struct control_finding findings[CONTROL_FINDINGS_MAX];
} census;

void census_load(void)
{
    census.loaded = python_is_supported() && pyobject_load();
}

void census_allow(bool allowed)
{
    census.allowed = allowed;
}

bool census_is_possible(void)
{
    return census.allowed && census.loaded;
}

bool census_open(void)
{
    return collector_open() && pyobject_open(python_api.get_modules());
}

const struct control_finding *census_findings(size_t *ret_count)
{
    *ret_count = census.count;
    return census.findings;
}

/* ---- the walk ---- */

/* They may be loaded at any time, and are not imported for us. */
static void census_know_types(const struct walk *walk)
{
    void *thread = walk_module(walk, "_thread");
    if (!thread)
        thread = walk_module(walk, "thread"); /* 2.7 */
    pyobject_know(pyobject_attribute(walk_module(walk, "_collections"), "deque"),
                  pyobject_attribute(walk_module(walk, "functools"), "_lru_cache_wrapper"),
                  pyobject_attribute(thread, "_local"));
}

static void census_roots(size_t limit, void *memory, struct job_result *result)
{
    static struct roots roots;
    struct walk walk;
    const struct walk_handler handler = roots_handler(&roots, &walk);
    walk_begin(&walk, memory, python_api.get_modules(), clock_thread_usec() + CENSUS_WALK_USEC,
               &handler);
    census_know_types(&walk);
    walk_run(&walk);
    census.count = roots_finish(&roots, census.findings, limit);
    result->objects = walk.looked;
    result->truncated = walk.truncated;
}

static void census_suspects(size_t limit, void *memory, struct job_result *result)
{
    static struct suspects suspects;
    struct walk walk;
    const struct walk_handler handler = suspects_handler(&suspects, &walk);
    uint64_t begin = clock_thread_usec();
    walk_begin(&walk, memory, python_api.get_modules(), begin + CENSUS_WALK_USEC, &handler);
    census_know_types(&walk);
    suspects_prepare(&suspects);
    walk_run(&walk);
    census.count = suspects_finish(&suspects, collector_module(), begin + CENSUS_HOLD_USEC,
                                   census.findings, limit);
    result->objects = walk.looked;
    result->truncated = walk.truncated;
}

/* ---- the job ---- */

static size_t census_memory_bytes(enum control_census_mode mode)
{
    return mode == CONTROL_CENSUS_FULL ? histogram_memory_bytes() : walk_memory_bytes();
}

void census_perform(const struct job_request *request, struct job_result *result)
{
    const struct control_census *asked = &request->census;
    size_t limit = asked->top < CONTROL_FINDINGS_MAX ? (size_t)asked->top : CONTROL_FINDINGS_MAX;
    size_t bytes = census_memory_bytes(asked->mode);
    /* Not from malloc: that would change what is looked at. */
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    census.count = 0;
    if (memory == MAP_FAILED) {
        result->result = CONTROL_RESULT_FAILED;
        return;
    }
    if (asked->mode == CONTROL_CENSUS_FULL)
        census.count = histogram_take(asked, memory, result, census.findings, limit);
    else if (asked->mode == CONTROL_CENSUS_SUSPECTS)
        census_suspects(limit, memory, result);
    else
        census_roots(limit, memory, result);
    munmap(memory, bytes);
}
