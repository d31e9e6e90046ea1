/* SPDX-License-Identifier: MIT */
#include "diagnose/ledger.h"

#include "base/text.h"
#include "diagnose/facts.h"

/* Where memory of an allocator can be, most likely first. */
struct places {
    size_t count;
    enum mapping_kind kinds[MAPPING_KIND_COUNT];
};

/* Arenas of pymalloc are mapped one by one; the kernel joins neighbours to large ones, which may
 * by chance look like an arena of glibc. */
static const struct places places_of_pools = {
    3, {MAPPING_KIND_ANON, MAPPING_KIND_LARGE, MAPPING_KIND_ARENA}};
static const struct places places_of_chunks = {2, {MAPPING_KIND_HEAP, MAPPING_KIND_ARENA}};
static const struct places places_of_single = {2, {MAPPING_KIND_LARGE, MAPPING_KIND_ANON}};
/* jemalloc and mimalloc map, tcmalloc may use brk; what looks like an arena of glibc is theirs. */
static const struct places places_of_others = {
    4, {MAPPING_KIND_LARGE, MAPPING_KIND_ANON, MAPPING_KIND_ARENA, MAPPING_KIND_HEAP}};
/* Without a walk all anonymous memory is in one pot. */
static const struct places places_unknown = {1, {MAPPING_KIND_ANON}};

/* A ledger being made: what of each kind of mapping no line has taken yet. */
struct making {
    const struct evidence *evidence;
    struct ledger ledger;
    bool known[MAPPING_KIND_COUNT];
    int64_t rest[MAPPING_KIND_COUNT];
};

static int64_t take(int64_t *pot, int64_t wanted)
{
    int64_t taken = wanted < *pot ? wanted : *pot;
    if (taken < 0)
        return 0;
    *pot -= taken;
    return taken;
}

/* The line gets as much of `wanted` as the places still hold. */
static void claim(struct making *making, enum layer line, int64_t wanted,
                  const struct places *places)
{
    making->ledger.present[line] = true;
    for (size_t i = 0; i < places->count; i++) {
        int64_t taken = take(&making->rest[places->kinds[i]], wanted);
        making->ledger.bytes[line] += taken;
        wanted -= taken;
    }
}

static int64_t rest_at(const struct making *making, const struct places *places)
{
    int64_t sum = 0;
    for (size_t i = 0; i < places->count; i++)
        sum += making->rest[places->kinds[i]];
    return sum;
}

/* Free pools last: when the numbers are of different times, what is in use is surer. */
static void claim_pools(struct making *making)
{
    static const struct {
        enum metric metric;
        enum layer line;
    } rows[] = {
        {METRIC_PY_USED, LAYER_PY_USED},
        {METRIC_PY_PINNED, LAYER_PY_PINNED},
        {METRIC_PY_FREE, LAYER_PY_FREE},
    };
    const struct sample *sample = &making->evidence->process->sample;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t bytes;
        if (making->evidence->pools_stale || !sample_get(sample, rows[i].metric, &bytes))
            continue;
        claim(making, rows[i].line, bytes,
              making->ledger.whole ? &places_of_pools : &places_unknown);
        making->ledger.pools_usec = sample_time(sample, rows[i].metric);
    }
}

/*
 * glibc says how much it has mapped chunk by chunk; the rest of what is in use is in [heap] and in
 * arenas, and so is everything that is free. Where it does not say, what those cannot hold must be
 * mapped: rather too little free than too much.
 */
static void claim_glibc(struct making *making, int64_t used)
{
    const struct evidence *evidence = making->evidence;
    bool whole = making->ledger.whole;
    const struct places *chunks = whole ? &places_of_chunks : &places_unknown;
    int64_t single[3], free_bytes, in_chunks = used, most = rest_at(making, chunks);
    if (facts_agent_numbers(evidence->agent, "malloc", "single_bytes", single))
        most = used > single[0] ? used - single[0] : 0;
    if (in_chunks > most)
        in_chunks = most;
    claim(making, LAYER_MALLOC_USED, in_chunks, chunks);
    claim(making, LAYER_MALLOC_USED, used - in_chunks, whole ? &places_of_single : &places_unknown);
    if (sample_get(&evidence->process->sample, METRIC_HEAP_FREE, &free_bytes))
        claim(making, LAYER_MALLOC_FREE, free_bytes, chunks);
}

/* These count the free pages that are still resident; what they call free beside that is not. */
static void claim_other(struct making *making, int64_t used)
{
    const struct places *places = making->ledger.whole ? &places_of_others : &places_unknown;
    int64_t free_bytes[3];
    claim(making, LAYER_MALLOC_USED, used, places);
    if (facts_agent_numbers(making->evidence->agent, "malloc", "free_resident_bytes", free_bytes))
        claim(making, LAYER_MALLOC_FREE, free_bytes[0], places);
}

static void claim_malloc(struct making *making)
{
    const struct process *process = making->evidence->process;
    int64_t used;
    if (!sample_get(&process->sample, METRIC_HEAP_USED, &used))
        return;
    making->ledger.malloc_usec = sample_time(&process->sample, METRIC_HEAP_USED);
    if (text_starts_with(process_agent(process)->allocator, "glibc"))
        claim_glibc(making, used);
    else
        claim_other(making, used);
}

static void make_from_mappings(struct making *making)
{
    const struct layers *layers = making->evidence->layers;
    struct ledger *ledger = &making->ledger;
    ledger->whole = true;
    ledger->rss_bytes = layers->rss_bytes > 0 ? layers->rss_bytes : 0;
    ledger->huge_bytes = layers->huge_bytes;
    ledger->swap_bytes = layers->swap_bytes;
    ledger->mono_usec = layers->mono_usec;
    int64_t left = ledger->rss_bytes;
    for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
        making->known[kind] = true;
        making->rest[kind] = take(&left, layers->rss[kind]);
    }
}

static void make_from_status(struct making *making)
{
    static const struct {
        enum metric metric;
        enum mapping_kind kind;
    } rows[] = {
        {METRIC_FILE, MAPPING_KIND_FILE},
        {METRIC_SHMEM, MAPPING_KIND_SHMEM},
        {METRIC_ANON, MAPPING_KIND_ANON},
    };
    const struct sample *sample = &making->evidence->process->sample;
    struct ledger *ledger = &making->ledger;
    if (sample_get(sample, METRIC_RSS, &ledger->rss_bytes) && ledger->rss_bytes < 0)
        ledger->rss_bytes = 0;
    ledger->huge_bytes = -1;
    if (!sample_get(sample, METRIC_SWAP, &ledger->swap_bytes))
        ledger->swap_bytes = -1;
    ledger->mono_usec = sample_time(sample, METRIC_RSS);
    int64_t left = ledger->rss_bytes;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t bytes;
        if (!sample_get(sample, rows[i].metric, &bytes))
            continue;
        making->known[rows[i].kind] = true;
        making->rest[rows[i].kind] = take(&left, bytes);
    }
}

/* Each kind that is a line of its own, less what allocators have taken. */
static void claim_rest(struct making *making)
{
    static const struct {
        enum mapping_kind kind;
        enum layer line;
    } rows[] = {
        {MAPPING_KIND_HEAP, LAYER_HEAP},    {MAPPING_KIND_ARENA, LAYER_ARENAS},
        {MAPPING_KIND_LARGE, LAYER_LARGE},  {MAPPING_KIND_ANON, LAYER_ANON},
        {MAPPING_KIND_STACK, LAYER_STACKS}, {MAPPING_KIND_FILE, LAYER_FILE},
        {MAPPING_KIND_SHMEM, LAYER_SHMEM},
    };
    struct ledger *ledger = &making->ledger;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ledger->present[rows[i].line] = making->known[rows[i].kind];
        ledger->bytes[rows[i].line] = making->rest[rows[i].kind];
    }
    int64_t left = ledger->rss_bytes;
    for (size_t line = 0; line < LAYER_UNEXPLAINED; line++)
        left -= ledger->bytes[line];
    ledger->present[LAYER_UNEXPLAINED] = true;
    ledger->bytes[LAYER_UNEXPLAINED] = left;
}

void ledger_make(const struct evidence *evidence, struct ledger *ret_ledger)
{
    struct making making = {.evidence = evidence};
    if (evidence->layers)
        make_from_mappings(&making);
    else
        make_from_status(&making);
    claim_pools(&making);
    claim_malloc(&making);
    claim_rest(&making);
    *ret_ledger = making.ledger;
}
