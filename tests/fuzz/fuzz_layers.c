/* SPDX-License-Identifier: MIT */
/*
 * PID/smaps as hostile bytes, from the walk to what the probe sends: whatever the mappings are,
 * each byte is in one kind, and what is sent is taken by the other end.
 */
#include "collect/proc_smaps.h"
#include "heap/layers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Above this sums stay where they are instead of going on. */
#define SANE_BYTES (INT64_C(1) << 60)

static void visit(void *context, const struct mapping *mapping)
{
    layers_add(context, mapping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct layers_walk walk;
    struct layers layers;
    int64_t rss = 0, swap = 0;
    layers_begin(&walk);
    if (proc_smaps_parse((const char *)data, size, visit, &walk) != OUTCOME_OK)
        return 0;
    layers_end(&walk, 1, &layers);
    if (layers.rss_bytes > SANE_BYTES || layers.swap_bytes > SANE_BYTES)
        return 0;
    for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
        rss += layers.rss[kind];
        swap += layers.swap[kind];
    }
    if (rss != layers.rss_bytes || swap != layers.swap_bytes)
        abort();
    if (layers.large_count > LAYERS_LARGE_LIMIT || layers.stacks > layers.mappings)
        abort();
    for (size_t i = 1; i < layers.large_count; i++)
        if (layers.large[i].rss_bytes > layers.large[i - 1].rss_bytes)
            abort();
    return 0;
}
