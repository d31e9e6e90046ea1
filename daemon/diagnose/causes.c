/* SPDX-License-Identifier: MIT */
#include "diagnose/causes.h"

#include "base/text.h"
#include "diagnose/telling.h"

#define MIB (INT64_C(1) << 20)

/* A bare Python with a web framework in it; below that there is little to win. */
#define CAUSE_SMALL_BYTES (32 * MIB)
/* In permyriad of RSS: more than all the rest together. */
#define CAUSE_HALF 5000
/* A scan from outside that has seen less of the pools has not seen enough of them. */
#define CAUSE_COVERAGE_HIGH   9500
#define CAUSE_COVERAGE_MEDIUM 5000
/* 2 to 3 MiB of the lightest objects; less does not show beside an interpreter. */
#define CAUSE_YOUNG_OFF 20000
/* With the collector on, thresholds of their own accord leave up to 70,000 objects, and a quarter
 * of all old ones, to the next full collection. */
#define CAUSE_YOUNG_ON       100000
#define CAUSE_YOUNG_ON_SHARE 2 /* and one in so many of all objects */
/* Fewer bytes than one in so many do not make what is in use doubtful. */
#define CAUSE_DOUBTFUL_PART 4
/* What a plain object with its parts weighs at least (1.5 million dead cycles were 171 MB). */
#define CAUSE_OBJECT_BYTES  114
#define CAUSE_GARBAGE_LEAST 1000
/* A full collection so shortly before says that what is there now is referred to. */
#define CAUSE_FULL_FRESH_USEC UINT64_C(120000000)
/* One for each of two cores; a program without threads has one. */
#define CAUSE_ARENAS_LEAST 3
/* malloc's numbers and the mappings are compared with each other. */
#define CAUSE_APART_USEC UINT64_C(60000000)
#define CAUSE_SWAP_LEAST (16 * MIB)
/* glibc keeps the stacks of threads that have ended, up to 40 MB: five of the default size. */
#define CAUSE_STACKS_KEPT 5

static bool found(int64_t bytes, enum verdict_confidence confidence, struct finding *ret_finding)
{
    *ret_finding = (struct finding){.bytes = bytes, .confidence = confidence};
    return bytes > 0;
}

static enum verdict_confidence at_most(enum verdict_confidence a, enum verdict_confidence b)
{
    return a < b ? a : b;
}

static bool swapped_holds(const struct facts *facts, struct finding *ret_finding)
{
    int64_t swap = facts->ledger->swap_bytes;
    return swap >= CAUSE_SWAP_LEAST && swap > facts->rss_bytes &&
           found(swap, VERDICT_CONFIDENCE_HIGH, ret_finding);
}

/* Small on the machine may be much where a limit is smaller still. */
static bool small_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct cgroup *cgroup = facts->evidence->cgroup;
    int64_t limit;
    if (cgroup && cgroup_get(cgroup, CGROUP_VALUE_LIMIT, &limit) && facts->rss_bytes > limit / 2)
        return false;
    *ret_finding = (struct finding){facts->rss_bytes, VERDICT_CONFIDENCE_HIGH};
    return facts->rss_bytes < CAUSE_SMALL_BYTES;
}

static bool neighbour_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct evidence_neighbour *neighbour = &facts->evidence->neighbour;
    if (!neighbour->runtime || !neighbour->has_expected ||
        facts->rss_bytes > neighbour->expected_bytes)
        return false;
    /* Far below a limit, or below one that nobody has set, it may as well hold something else. */
    enum verdict_confidence confidence = VERDICT_CONFIDENCE_LOW;
    if (neighbour->has_limit)
        confidence = facts->rss_bytes >= neighbour->limit_bytes / 2 ? VERDICT_CONFIDENCE_HIGH
                                                                    : VERDICT_CONFIDENCE_MEDIUM;
    return found(facts->rss_bytes, confidence, ret_finding);
}

static bool copied_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct evidence_family *family = &facts->evidence->family;
    return family->is_worker && family->has_copied &&
           facts_is_share(facts, family->copied_bytes, CAUSE_HALF) &&
           found(family->copied_bytes, VERDICT_CONFIDENCE_MEDIUM, ret_finding);
}

static bool family_shared_holds(const struct facts *facts, struct finding *ret_finding)
{
    return facts->has_shared && facts_is_share(facts, facts->shared_bytes, CAUSE_HALF) &&
           found(facts->shared_bytes, VERDICT_CONFIDENCE_HIGH, ret_finding);
}

/* An object weighs what the average of all weighs. */
static int64_t weight(const struct facts *facts, int64_t objects)
{
    int64_t each = CAUSE_OBJECT_BYTES, bytes;
    if (facts->has_objects && facts->all_objects > 0 &&
        facts->in_use_bytes / facts->all_objects > each)
        each = facts->in_use_bytes / facts->all_objects;
    if (__builtin_mul_overflow(objects, each, &bytes) || bytes > facts->in_use_bytes)
        return facts->in_use_bytes;
    return bytes;
}

static bool garbage_kept_holds(const struct facts *facts, struct finding *ret_finding)
{
    int64_t count;
    return sample_get(&facts->evidence->process->sample, METRIC_PY_GC_GARBAGE, &count) &&
           count >= CAUSE_GARBAGE_LEAST &&
           found(weight(facts, count), VERDICT_CONFIDENCE_MEDIUM, ret_finding);
}

static bool uncollected_holds(const struct facts *facts, struct finding *ret_finding)
{
    int64_t young = facts->young_objects;
    if (!facts->has_gc)
        return false;
    if (facts->gc_enabled && (young < CAUSE_YOUNG_ON || !facts->has_objects ||
                              young < facts->all_objects / CAUSE_YOUNG_ON_SHARE))
        return false;
    if (young < CAUSE_YOUNG_OFF)
        return false;
    return found(weight(facts, young),
                 facts->gc_enabled ? VERDICT_CONFIDENCE_LOW : VERDICT_CONFIDENCE_MEDIUM,
                 ret_finding);
}

/* malloc's numbers and the walk tell of the same moment, or nearly. */
static bool is_together(const struct ledger *ledger)
{
    uint64_t apart = ledger->mono_usec > ledger->malloc_usec
                         ? ledger->mono_usec - ledger->malloc_usec
                         : ledger->malloc_usec - ledger->mono_usec;
    return apart < CAUSE_APART_USEC;
}

static bool malloc_keeps_holds(const struct facts *facts, struct finding *ret_finding)
{
    enum verdict_confidence confidence = VERDICT_CONFIDENCE_HIGH;
    if (!facts->ledger->whole)
        confidence = VERDICT_CONFIDENCE_LOW;
    else if (!is_together(facts->ledger))
        confidence = VERDICT_CONFIDENCE_MEDIUM;
    return found(facts_line(facts, LAYER_MALLOC_FREE), confidence, ret_finding);
}

static enum verdict_confidence counted(const struct facts *facts)
{
    int64_t coverage;
    if (!sample_get(&facts->evidence->process->sample, METRIC_PY_COVERAGE, &coverage) ||
        coverage >= CAUSE_COVERAGE_HIGH)
        return VERDICT_CONFIDENCE_HIGH;
    return coverage >= CAUSE_COVERAGE_MEDIUM ? VERDICT_CONFIDENCE_MEDIUM : VERDICT_CONFIDENCE_LOW;
}

static bool pools_pinned_holds(const struct facts *facts, struct finding *ret_finding)
{
    return found(facts_line(facts, LAYER_PY_PINNED), counted(facts), ret_finding);
}

static bool pools_free_holds(const struct facts *facts, struct finding *ret_finding)
{
    return found(facts_line(facts, LAYER_PY_FREE), counted(facts), ret_finding);
}

/* In use is what is referred to, and what the collector has not found yet: only a full collection
 * knows the difference. Without an agent nothing is known of the collector. */
static bool python_objects_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct evidence *evidence = facts->evidence;
    enum verdict_confidence confidence = VERDICT_CONFIDENCE_LOW;
    struct finding uncollected = {0}, garbage = {0};
    uint64_t full = evidence->full_collection_usec;
    if (!facts->python || !facts->has_pools)
        return false;
    uncollected_holds(facts, &uncollected);
    garbage_kept_holds(facts, &garbage);
    int64_t doubtful = uncollected.bytes > garbage.bytes ? uncollected.bytes : garbage.bytes;
    if (doubtful > facts->in_use_bytes / CAUSE_DOUBTFUL_PART)
        confidence = VERDICT_CONFIDENCE_LOW;
    else if (full && full + CAUSE_FULL_FRESH_USEC >= evidence->now_usec)
        confidence = VERDICT_CONFIDENCE_HIGH;
    else if (facts->has_gc && !facts->python2)
        confidence = VERDICT_CONFIDENCE_MEDIUM;
    return found(facts->in_use_bytes - doubtful, at_most(confidence, counted(facts)), ret_finding);
}

static bool malloc_used_holds(const struct facts *facts, struct finding *ret_finding)
{
    if (facts->python)
        return false;
    return found(facts_line(facts, LAYER_MALLOC_USED),
                 facts->ledger->whole ? VERDICT_CONFIDENCE_HIGH : VERDICT_CONFIDENCE_MEDIUM,
                 ret_finding);
}

/* Only where it is, not what: in use or free, nobody has said. */
static bool arenas_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct layers *layers = facts->evidence->layers;
    const char *allocator = process_agent(facts->evidence->process)->allocator;
    if (allocator[0] && !text_starts_with(allocator, "glibc"))
        return false;
    return layers && layers->arenas >= CAUSE_ARENAS_LEAST && !facts->has_malloc &&
           found(facts_line(facts, LAYER_ARENAS), VERDICT_CONFIDENCE_LOW, ret_finding);
}

/* An allocator that puts guards before its memory has it told as stacks: then there are more of
 * them than threads. */
static bool stacks_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct layers *layers = facts->evidence->layers;
    int64_t threads;
    if (!layers || !sample_get(&facts->evidence->process->sample, METRIC_THREADS, &threads) ||
        layers->stacks > threads + CAUSE_STACKS_KEPT)
        return false;
    return found(facts_line(facts, LAYER_STACKS), VERDICT_CONFIDENCE_HIGH, ret_finding);
}

/* Less what was written to private mappings of files: that is not in the file. */
static bool files_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct layers *layers = facts->evidence->layers;
    int64_t bytes = facts_line(facts, LAYER_FILE);
    if (layers && layers->anonymous_bytes < 0)
        return found(bytes, VERDICT_CONFIDENCE_MEDIUM, ret_finding);
    if (layers) {
        int64_t clean =
            layers->rss_bytes - layers->anonymous_bytes - layers->rss[MAPPING_KIND_SHMEM];
        bytes = clean < bytes ? clean : bytes;
    }
    return found(bytes, VERDICT_CONFIDENCE_HIGH, ret_finding);
}

static bool shmem_holds(const struct facts *facts, struct finding *ret_finding)
{
    return found(facts_line(facts, LAYER_SHMEM), VERDICT_CONFIDENCE_HIGH, ret_finding);
}

/*
 * Where pools of Python could be in it and have not been counted, it is not known closer. Heaps of
 * Go, of V8 and of allocators other than glibc's are large mappings too: only where malloc's own
 * numbers have been taken out is it likely to be something else.
 */
static bool large_mapping_holds(const struct facts *facts, struct finding *ret_finding)
{
    const struct layers *layers = facts->evidence->layers;
    if (!layers || layers->large_count == 0 || (facts->python && !facts->has_pools))
        return false;
    int64_t line = facts_line(facts, LAYER_LARGE), first = layers->large[0].rss_bytes;
    return found(first < line ? first : line,
                 facts->has_malloc ? VERDICT_CONFIDENCE_MEDIUM : VERDICT_CONFIDENCE_LOW,
                 ret_finding);
}

static bool huge_pages_holds(const struct facts *facts, struct finding *ret_finding)
{
    int64_t huge = facts->ledger->huge_bytes;
    if (!facts_is_share(facts, huge, CAUSE_HALF))
        return false;
    return found(huge < facts->unclear_bytes ? huge : facts->unclear_bytes, VERDICT_CONFIDENCE_LOW,
                 ret_finding);
}

/* What decides comes first; among the others the earlier one wins when two explain the same. */
const struct cause causes[] = {
    {VERDICT_SWAPPED, true, swapped_holds, tell_swapped},
    {VERDICT_SMALL, true, small_holds, tell_small},
    {VERDICT_NEIGHBOUR, true, neighbour_holds, tell_neighbour},
    {VERDICT_COPIED, true, copied_holds, tell_copied},
    {VERDICT_FAMILY_SHARED, true, family_shared_holds, tell_family_shared},
    {VERDICT_GARBAGE_KEPT, false, garbage_kept_holds, tell_garbage_kept},
    {VERDICT_UNCOLLECTED, false, uncollected_holds, tell_uncollected},
    {VERDICT_MALLOC_KEEPS, false, malloc_keeps_holds, tell_malloc_keeps},
    {VERDICT_POOLS_PINNED, false, pools_pinned_holds, tell_pools_pinned},
    {VERDICT_POOLS_FREE, false, pools_free_holds, tell_pools_free},
    {VERDICT_PYTHON_OBJECTS, false, python_objects_holds, tell_python_objects},
    {VERDICT_MALLOC_USED, false, malloc_used_holds, tell_malloc_used},
    {VERDICT_ARENAS, false, arenas_holds, tell_arenas},
    {VERDICT_STACKS, false, stacks_holds, tell_stacks},
    {VERDICT_FILES, false, files_holds, tell_files},
    {VERDICT_SHMEM, false, shmem_holds, tell_shmem},
    {VERDICT_LARGE_MAPPING, false, large_mapping_holds, tell_large_mapping},
    {VERDICT_HUGE_PAGES, false, huge_pages_holds, tell_huge_pages},
};
const size_t cause_count = sizeof(causes) / sizeof(causes[0]);
