/* SPDX-License-Identifier: MIT */
#include "engine/probe_pools.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/proc_exe.h"
#include "collect/proc_maps.h"
#include "collect/proc_pagemap.h"
#include "collect/process_memory.h"
#include "heap/cpython.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Between two calls that take the lock of the process; see process_memory.h. */
#define POOLS_PAUSE_NSEC 500000L

/* Too large for a stack. */
static struct {
    struct proc_maps maps;
    uint64_t words[PROC_PAGEMAP_PAGES];
    uint64_t addresses[PROCESS_MEMORY_PIECES];
    unsigned char heads[PROCESS_MEMORY_PIECES * POOL_HEAD_SIZE];
    bool read[PROCESS_MEMORY_PIECES];
} pools;

/* A part of a scan under way. */
struct walk {
    struct probe_pools_scan *scan;
    int pagemap;
    uint64_t page_bytes;
    uint64_t memory_bytes; /* of the machine */
    uint64_t next;         /* address of the next place */
    size_t count;          /* of places in pools.addresses that wait to be read */
};

enum walk_state { WALK_ON, WALK_STOP };

static int pools_errno(enum outcome outcome, int denied)
{
    static const int errors[OUTCOME_COUNT] = {
        [OUTCOME_OK] = 0,        [OUTCOME_GONE] = -ENODATA,  [OUTCOME_DENIED] = 0,
        [OUTCOME_ABSENT] = -EIO, [OUTCOME_MALFORMED] = -EIO, [OUTCOME_FAILED] = -EIO,
    };
    return outcome == OUTCOME_DENIED ? denied : errors[outcome];
}

/* --- is it CPython, and which --- */

static bool mapping_is_library(const struct proc_mapping *mapping, struct cpython *ret_version)
{
    const char *slash = memrchr(mapping->name, '/', mapping->name_length);
    if (mapping->inode == 0 || !slash)
        return false;
    const char *name = slash + 1;
    return cpython_of_file(name, mapping->name_length - (size_t)(name - mapping->name),
                           ret_version) &&
           ret_version->major > 0;
}

/* The name of the program may tell nothing, or no version: then the library does. */
static int pools_find_version(const struct probe_pools_scan *scan, struct cpython *ret_version)
{
    char name[PROC_EXE_NAME_SIZE];
    enum outcome outcome = proc_exe_name(scan->proc, scan->pid, name);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EPERM);
    struct cpython version = {0};
    bool found = cpython_of_file(name, strlen(name), &version);
    if (version.major > 0) {
        *ret_version = version;
        return 0;
    }
    outcome = proc_maps_open(scan->proc, scan->pid, &pools.maps);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EPERM);
    struct proc_mapping mapping;
    bool library = false;
    while (!library && proc_maps_next(&pools.maps, &mapping))
        library = mapping_is_library(&mapping, &version);
    proc_maps_close(&pools.maps);
    if (!found && !library)
        return -ENOEXEC;
    *ret_version = version;
    return 0;
}

static int pools_identify(struct probe_pools_scan *scan)
{
    struct cpython version = {0};
    int r = pools_find_version(scan, &version);
    if (r < 0)
        return r;
    uint32_t bytes = pool_bytes_of_version(version.major, version.minor);
    scan->pools.major = (uint16_t)version.major;
    scan->pools.minor = (uint16_t)version.minor;
    scan->pool_bytes = bytes ? bytes : POOL_BYTES_NEW;
    return 0;
}

/* --- the walk --- */

static void walk_pause(struct probe_pools_scan *scan)
{
    uint64_t begun = clock_mono_usec();
    struct timespec pause = {.tv_nsec = POOLS_PAUSE_NSEC};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    scan->paused_usec += clock_mono_usec() - begun;
}

static int walk_flush(struct walk *walk)
{
    struct probe_pools_scan *scan = walk->scan;
    if (walk->count == 0)
        return 0;
    enum outcome outcome = process_memory_read(scan->pid, pools.addresses, walk->count,
                                               POOL_HEAD_SIZE, pools.heads, pools.read);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EPERM);
    for (size_t i = 0; i < walk->count; i++) {
        struct pool_head head;
        uint64_t address = pools.addresses[i];
        if (!pools.read[i])
            scan->pools.missed_places++;
        else if (pool_head_parse(pools.heads + i * POOL_HEAD_SIZE, address, scan->pool_bytes,
                                 &head))
            pool_tally_add(&scan->tally, address, scan->pool_bytes, &head);
    }
    walk->count = 0;
    walk_pause(scan);
    return 0;
}

static bool walk_is_full(const struct probe_pools_scan *scan)
{
    return scan->pools.read_places * scan->pool_bytes >= scan->scan_bytes;
}

static enum walk_state walk_budget(const struct probe_pools_scan *scan)
{
    return walk_is_full(scan) || clock_mono_usec() >= scan->until_usec ? WALK_STOP : WALK_ON;
}

/* The places on the pages in pools.words, up to `end`. */
static int walk_words(struct walk *walk, uint64_t first, size_t pages, uint64_t end,
                      enum walk_state *ret_state)
{
    struct probe_pools_scan *scan = walk->scan;
    enum walk_state state = WALK_ON;
    while (state == WALK_ON && walk->next < end) {
        uint64_t page = walk->next / walk->page_bytes - first;
        if (page >= pages)
            break;
        enum proc_page kind = proc_pagemap_page(pools.words[page]);
        uint64_t address = walk->next;
        walk->next += scan->pool_bytes;
        scan->pools.swapped_places += kind == PROC_PAGE_SWAPPED;
        if (kind != PROC_PAGE_PRESENT)
            continue;
        pools.addresses[walk->count++] = address;
        scan->pools.read_places++;
        if (walk->count < PROCESS_MEMORY_PIECES && !walk_is_full(scan))
            continue;
        int r = walk_flush(walk);
        if (r < 0)
            return r;
        state = walk_budget(scan);
    }
    *ret_state = state == WALK_ON ? walk_budget(scan) : state;
    return 0;
}

/* From walk->next on. */
static int walk_range(struct walk *walk, uint64_t end, enum walk_state *ret_state)
{
    while (walk->next < end) {
        uint64_t first = walk->next / walk->page_bytes;
        uint64_t pages = (end + walk->page_bytes - 1) / walk->page_bytes - first;
        size_t got;
        enum outcome outcome = proc_pagemap_read(
            walk->pagemap, first, pages < PROC_PAGEMAP_PAGES ? pages : PROC_PAGEMAP_PAGES,
            pools.words, &got);
        int r = pools_errno(outcome, -EACCES);
        if (r == 0 && got == 0)
            return -EIO;
        if (r == 0)
            r = walk_words(walk, first, got, end, ret_state);
        if (r < 0 || *ret_state == WALK_STOP)
            return r;
    }
    return 0;
}

/* A range larger than all memory is reserved, not used: sanitizers and some allocators have such
 * ranges of many TiB, whose pages alone would take minutes to look at. */
static bool walk_is_candidate(const struct walk *walk, const struct proc_mapping *mapping)
{
    return proc_maps_is_private_memory(mapping) &&
           mapping->end - mapping->start <= walk->memory_bytes;
}

static int walk_maps(struct walk *walk, uint64_t cursor, enum walk_state *ret_state)
{
    struct proc_mapping mapping;
    while (proc_maps_next(&pools.maps, &mapping)) {
        if (!walk_is_candidate(walk, &mapping) || mapping.end <= cursor)
            continue;
        uint64_t start = mapping.start > cursor ? mapping.start : cursor;
        uint64_t bytes = walk->scan->pool_bytes;
        walk->next = (start + bytes - 1) / bytes * bytes;
        int r = walk_range(walk, mapping.end, ret_state);
        if (r < 0 || *ret_state == WALK_STOP)
            return r;
    }
    return 0;
}

static int pools_walk(struct probe_pools_scan *scan, int pagemap)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    struct walk walk = {.scan = scan,
                        .pagemap = pagemap,
                        .page_bytes = page_bytes,
                        .memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes};
    enum outcome outcome = proc_maps_open(scan->proc, scan->pid, &pools.maps);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EPERM);
    enum walk_state state = WALK_ON;
    int r = walk_maps(&walk, scan->cursor, &state);
    proc_maps_close(&pools.maps);
    if (r == 0)
        r = walk_flush(&walk);
    if (r == 0 && state == WALK_STOP)
        scan->pools.cursor = walk.next;
    return r;
}

static void pools_sum(struct probe_pools_scan *scan)
{
    const struct pool_tally *tally = &scan->tally;
    scan->pools.pool_bytes = scan->pool_bytes;
    scan->pools.used_pools = tally->used_pools;
    scan->pools.free_pools = tally->free_pools;
    scan->pools.blocks = tally->blocks;
    scan->pools.used_bytes = tally->used_bytes;
    scan->pools.pinned_bytes = tally->pinned_bytes;
    scan->pools.free_bytes = tally->free_bytes;
}

int probe_pools_read(struct probe_pools_scan *scan)
{
    scan->pools = (struct probe_pools){0};
    scan->tally = (struct pool_tally){0};
    scan->paused_usec = 0;
    int r = scan->pool_bytes ? 0 : pools_identify(scan);
    if (r < 0)
        return r;
    _cleanup_(closep) int pagemap = -1;
    enum outcome outcome = proc_pagemap_open(scan->proc, scan->pid, &pagemap);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EACCES);
    r = pools_walk(scan, pagemap);
    pools_sum(scan);
    return r;
}
