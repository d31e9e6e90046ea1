/* SPDX-License-Identifier: MIT */
#include "engine/probe_pools.h"

#include "collect/memory_places.h"
#include "collect/program_files.h"
#include "heap/pool_search.h"

#include <errno.h>

/* Two floors' names for one number. NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert((int)MEMORY_PLACES_HEAD == (int)POOL_HEAD_SIZE, "what is read is what is judged");

static int pools_errno(enum outcome outcome, int denied)
{
    static const int errors[OUTCOME_COUNT] = {
        [OUTCOME_OK] = 0,        [OUTCOME_GONE] = -ENODATA,  [OUTCOME_DENIED] = 0,
        [OUTCOME_ABSENT] = -EIO, [OUTCOME_MALFORMED] = -EIO, [OUTCOME_FAILED] = -EIO,
    };
    return outcome == OUTCOME_DENIED ? denied : errors[outcome];
}

static int pools_identify(struct probe_pools_scan *scan, struct memory_places *places)
{
    struct pool_search search = {0};
    enum outcome outcome =
        program_files_walk(scan->proc, scan->pid, &places->maps, pool_search_on_file, &search);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, -EPERM);
    if (!search.is_cpython)
        return -ENOEXEC;
    scan->pools.major = (uint16_t)search.version.major;
    scan->pools.minor = (uint16_t)search.version.minor;
    scan->pool_bytes = pool_search_bytes(&search);
    return 0;
}

static void pools_sum(struct probe_pools_scan *scan, const struct memory_places *places)
{
    const struct pool_tally *tally = &scan->tally;
    scan->pools.pool_bytes = scan->pool_bytes;
    scan->pools.used_pools = tally->used_pools;
    scan->pools.free_pools = tally->free_pools;
    scan->pools.blocks = tally->blocks;
    scan->pools.used_bytes = tally->used_bytes;
    scan->pools.pinned_bytes = tally->pinned_bytes;
    scan->pools.free_bytes = tally->free_bytes;
    scan->pools.read_places = places->read_places;
    scan->pools.missed_places = places->missed_places;
    scan->pools.swapped_places = places->swapped_places;
}

int probe_pools_read(struct probe_pools_scan *scan)
{
    static struct memory_places places; /* too large for a stack */
    scan->pools = (struct probe_pools){0};
    scan->tally = (struct pool_tally){0};
    scan->paused_usec = 0;
    int r = scan->pool_bytes ? 0 : pools_identify(scan, &places);
    if (r < 0)
        return r;
    struct pool_search search = {.pool_bytes = scan->pool_bytes};
    places.proc = scan->proc;
    places.pid = scan->pid;
    places.cursor = scan->cursor;
    places.place_bytes = scan->pool_bytes;
    places.most_bytes = scan->scan_bytes;
    places.until_usec = scan->until_usec;
    enum outcome outcome = memory_places_walk(&places, pool_search_on_head, &search);
    scan->tally = search.tally;
    scan->paused_usec = places.paused_usec;
    pools_sum(scan, &places);
    if (outcome != OUTCOME_OK)
        return pools_errno(outcome, places.pagemap_denied ? -EACCES : -EPERM);
    scan->pools.cursor = places.cursor;
    return 0;
}
