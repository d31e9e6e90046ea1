/* SPDX-License-Identifier: MIT */
#include "diagnose/facts.h"

#include "base/text.h"

#include <string.h>

/* About every third block of a CPython program is an object that the collector visits. */
#define FACTS_BLOCKS_PER_OBJECT 3

static int64_t product(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX : result;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_add_overflow(a, b, &result) ? INT64_MAX : result;
}

bool facts_agent_numbers(const struct agent_report *agent, const char *section, const char *key,
                         int64_t ret_numbers[static 3])
{
    if (!agent)
        return false;
    for (size_t i = 0; i < agent->value_count; i++) {
        const struct agent_value *value = &agent->values[i];
        if (strcmp(value->section, section) != 0 || strcmp(value->key, key) != 0)
            continue;
        memcpy(ret_numbers, value->numbers, sizeof(value->numbers));
        return true;
    }
    return false;
}

int64_t facts_line(const struct facts *facts, enum layer line)
{
    return facts->ledger->present[line] ? facts->ledger->bytes[line] : 0;
}

bool facts_is_share(const struct facts *facts, int64_t bytes, int64_t permyriad)
{
    return facts->rss_bytes > 0 && product(bytes, 10000) >= product(facts->rss_bytes, permyriad);
}

/* RSS less what nobody else maps, less files and shmem, which families share anyway. */
static void find_shared(struct facts *facts)
{
    const struct evidence *evidence = facts->evidence;
    const struct sample *sample = &evidence->process->sample;
    const struct layers *layers = evidence->layers;
    int64_t rss, uss, file = 0, shmem = 0;
    if (evidence->family.members < 2)
        return;
    if (layers) {
        rss = layers->rss_bytes;
        uss = layers->uss_bytes;
        file = layers->rss[MAPPING_KIND_FILE];
        shmem = layers->rss[MAPPING_KIND_SHMEM];
    } else if (!sample_get(sample, METRIC_RSS, &rss) || !sample_get(sample, METRIC_USS, &uss) ||
               !sample_get(sample, METRIC_FILE, &file) ||
               !sample_get(sample, METRIC_SHMEM, &shmem)) {
        return;
    }
    int64_t shared = rss - uss - file - shmem;
    facts->has_shared = true;
    facts->shared_bytes = shared > 0 ? shared : 0;
}

/* An agent leaves its count out when that would hold the program up; its look at the pools has it
 * too. */
static bool find_blocks(const struct evidence *evidence, int64_t *ret_blocks)
{
    const struct agent_report *agent = evidence->agent;
    if (sample_get(&evidence->process->sample, METRIC_PY_BLOCKS, ret_blocks))
        return true;
    if (!agent || agent->class_count == 0)
        return false;
    int64_t blocks = 0;
    for (size_t i = 0; i < agent->class_count; i++)
        blocks = sum(blocks, agent->classes[i].blocks);
    *ret_blocks = blocks;
    return true;
}

/* Each count of a generation stands for a whole threshold of the one below. */
static void find_collector(struct facts *facts)
{
    const struct sample *sample = &facts->evidence->process->sample;
    int64_t enabled, count[3] = {0}, thresholds[3], blocks;
    if (!sample_get(sample, METRIC_PY_GC_ENABLED, &enabled) ||
        !sample_get(sample, METRIC_PY_GC_COUNT0, &count[0]))
        return;
    facts->has_gc = true;
    facts->gc_enabled = enabled != 0;
    facts->young_objects = count[0];
    if (facts_agent_numbers(facts->evidence->agent, "gc", "threshold", thresholds) &&
        sample_get(sample, METRIC_PY_GC_COUNT1, &count[1]) &&
        sample_get(sample, METRIC_PY_GC_COUNT2, &count[2])) {
        int64_t first = product(count[1], thresholds[0]);
        int64_t second = product(product(count[2], thresholds[0]), thresholds[1]);
        facts->young_objects = sum(facts->young_objects, sum(first, second));
    }
    facts->has_objects = find_blocks(facts->evidence, &blocks);
    if (!facts->has_objects)
        return;
    facts->all_objects = blocks / FACTS_BLOCKS_PER_OBJECT;
    if (facts->all_objects < facts->young_objects)
        facts->all_objects = facts->young_objects;
}

static void find_places(struct facts *facts)
{
    static const enum layer unclear[] = {LAYER_HEAP, LAYER_ARENAS, LAYER_LARGE, LAYER_ANON,
                                         LAYER_UNEXPLAINED};
    for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++)
        facts->unclear_bytes += facts_line(facts, unclear[i]);
    const struct layers *layers = facts->evidence->layers;
    if (layers)
        facts->malloc_places = layers->rss[MAPPING_KIND_HEAP] + layers->rss[MAPPING_KIND_ARENA];
}

void facts_find(const struct evidence *evidence, const struct ledger *ledger,
                struct facts *ret_facts)
{
    const struct agent_info *agent = process_agent(evidence->process);
    struct facts facts = {
        .evidence = evidence,
        .ledger = ledger,
        .rss_bytes = ledger->rss_bytes,
        .has_agent = agent->state != AGENT_STATE_NONE,
        .python2 = text_starts_with(agent->runtime, "cpython 2"),
        .has_pools = ledger->present[LAYER_PY_USED],
        .has_malloc = ledger->present[LAYER_MALLOC_USED],
    };
    facts.python = evidence->is_python || sample_has(&evidence->process->sample, METRIC_PY_USED) ||
                   text_starts_with(agent->runtime, "cpython");
    facts.in_use_bytes = facts_line(&facts, LAYER_PY_USED) + facts_line(&facts, LAYER_MALLOC_USED);
    find_shared(&facts);
    find_collector(&facts);
    find_places(&facts);
    *ret_facts = facts;
}
