/* SPDX-License-Identifier: MIT */
#include "why_memory.h"

#include "base/clock.h"
#include "collect/memory_places.h"
#include "collect/proc_pages.h"
#include "collect/proc_smaps.h"
#include "collect/program_files.h"
#include "heap/layers.h"
#include "heap/pool_search.h"

#include <unistd.h>

/* Reading smaps holds up the process's own mapping of memory for 20 ms a GiB: as long as a receipt
 * may, 100 ms. What is larger is read page by page. */
#define MEMORY_SMAPS_MAX_BYTES (INT64_C(5) << 30)
/* Pages: with the pauses 25 GiB in a second. Pools: 4 GiB take 1.3 s, small old ones 1 GiB; a
 * quarter more for a busy machine, and both within the two seconds that a person is made to wait.
 */
#define MEMORY_PAGES_USEC (1500 * USEC_PER_MSEC)
#define MEMORY_POOLS_USEC (1700 * USEC_PER_MSEC)

/* Two floors' names for one number. NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert((int)MEMORY_PLACES_HEAD == (int)POOL_HEAD_SIZE, "what is read is what is judged");

/* Too large for a stack, and never used at a time. */
static union {
    struct proc_pages pages;
    struct memory_places places;
} buffer;

static void visit(void *walk, const struct mapping *mapping)
{
    layers_add(walk, mapping);
}

/* ---- mappings ---- */

static const char *layers_missing(enum outcome outcome)
{
    static const char *const texts[OUTCOME_COUNT] = {
        [OUTCOME_DENIED] = "its mappings may be read by its own user or with CAP_SYS_PTRACE only",
        [OUTCOME_ABSENT] = "one of its mappings is larger than all memory, to look through takes "
                           "minutes",
    };
    return texts[outcome] ? texts[outcome] : "its mappings could not be read";
}

static enum outcome read_pages(int proc, pid_t pid, struct layers_walk *walk)
{
    buffer.pages.cursor = 0;
    buffer.pages.until_usec = clock_mono_usec() + MEMORY_PAGES_USEC;
    return proc_pages_walk(proc, pid, &buffer.pages, visit, walk);
}

static void layers_put(const struct layers *layers, struct process *process)
{
    const struct {
        enum metric metric;
        int64_t bytes;
    } rows[] = {{METRIC_PSS, layers->pss_bytes},
                {METRIC_USS, layers->uss_bytes},
                {METRIC_SWAP_PSS, layers->swap_pss_bytes}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].bytes >= 0)
            sample_set(&process->sample, rows[i].metric, rows[i].bytes, 1);
    process->pss_absence = ABSENCE_TOO_DEAR;
}

static void read_layers(int proc, struct process *process, struct why_memory *memory)
{
    struct layers_walk walk;
    int64_t rss = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    bool large = rss > MEMORY_SMAPS_MAX_BYTES;
    layers_begin(&walk);
    enum outcome outcome = large ? read_pages(proc, process->id.pid, &walk)
                                 : proc_smaps_walk(proc, process->id.pid, visit, &walk);
    if (outcome != OUTCOME_OK) {
        memory->missing = layers_missing(outcome);
        return;
    }
    if (large && buffer.pages.cursor != 0) {
        memory->missing =
            "it is too large to look through its pages in 1.5 s without holding it up";
        return;
    }
    layers_end(&walk, clock_mono_usec(), &memory->layers);
    memory->has_layers = true;
    layers_put(&memory->layers, process);
}

/* ---- pools ---- */

static void pools_put(const struct pool_tally *tally, const struct memory_places *places,
                      struct sample *sample)
{
    uint64_t now_usec = clock_mono_usec();
    uint64_t all = places->read_places + places->swapped_places;
    uint64_t read = places->read_places - places->missed_places;
    sample_set(sample, METRIC_PY_USED, (int64_t)tally->used_bytes, now_usec);
    sample_set(sample, METRIC_PY_PINNED, (int64_t)tally->pinned_bytes, now_usec);
    sample_set(sample, METRIC_PY_FREE, (int64_t)tally->free_bytes, now_usec);
    sample_set(sample, METRIC_PY_POOLS, (int64_t)(tally->used_pools + tally->free_pools), now_usec);
    if (all > 0)
        sample_set(sample, METRIC_PY_COVERAGE, (int64_t)(read * 10000 / all), now_usec);
}

static const char *pools_missing(enum outcome outcome)
{
    if (outcome != OUTCOME_DENIED)
        return "Python's pools could not be counted";
    return buffer.places.pagemap_denied
               ? "Python's pools are not counted: PID/pagemap may not be read"
               : "Python's pools are not counted: its memory may be read by its own user, where "
                 "Yama allows it, or with CAP_SYS_PTRACE only";
}

/* Pools of one size. False: there is no more to be found out, or to be said. */
static bool count_pools(struct pool_search *search, uint64_t until_usec, struct process *process,
                        struct why_memory *memory)
{
    struct memory_places *places = &buffer.places;
    places->cursor = 0;
    places->place_bytes = search->pool_bytes;
    places->most_bytes = UINT64_MAX;
    places->until_usec = until_usec;
    enum outcome outcome = memory_places_walk(places, pool_search_on_head, search);
    if (outcome != OUTCOME_OK) {
        memory->missing = pools_missing(outcome);
        return false;
    }
    if (places->cursor != 0) {
        memory->missing = "Python's pools are too many to be counted in 1.7 s without holding it "
                          "up; the daemon counts them";
        return false;
    }
    bool none = search->tally.used_pools + search->tally.free_pools == 0;
    if (none && search->version.major == 0)
        return true;
    pools_put(&search->tally, places, &process->sample);
    return false;
}

static void read_pools(int proc, struct process *process, struct why_memory *memory)
{
    static const uint32_t sizes[] = {POOL_BYTES_NEW, POOL_BYTES_OLD};
    struct pool_search search = {0};
    uint64_t until_usec = clock_mono_usec() + MEMORY_POOLS_USEC;
    buffer.places.proc = proc;
    buffer.places.pid = process->id.pid;
    if (program_files_walk(proc, process->id.pid, &buffer.places.maps, pool_search_on_file,
                           &search) != OUTCOME_OK ||
        !search.is_cpython)
        return;
    bool more = true;
    for (size_t i = 0; more && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        search.pool_bytes = search.version.major > 0 ? pool_search_bytes(&search) : sizes[i];
        more = count_pools(&search, until_usec, process, memory);
    }
}

void why_memory_read(int proc, struct process *process, struct why_memory *ret_memory)
{
    *ret_memory = (struct why_memory){0};
    read_layers(proc, process, ret_memory);
    /* Of others, even with the capability, only root: as the daemon does by itself. */
    if (ret_memory->has_layers && (geteuid() == 0 || geteuid() == process->uid))
        read_pools(proc, process, ret_memory);
}
