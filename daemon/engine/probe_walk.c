/* SPDX-License-Identifier: MIT */
#include "engine/probe_walk.h"

#include "collect/proc_pages.h"
#include "heap/layers.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)MAPPING_KIND_COUNT == PROBE_LAYERS_KINDS, "one number for each kind");
_Static_assert((int)LAYERS_LARGE_LIMIT == PROBE_LAYERS_LARGE, "as many as are told");

struct walk {
    struct layers_walk layers;
    const struct probe_moved *moved;
};

static void walk_visit(void *context, const struct mapping *mapping)
{
    struct walk *walk = context;
    layers_add(&walk->layers, mapping);
    if (walk->moved)
        walk->moved->moved(walk->moved->context);
}

static void walk_end(struct layers_walk *walk, uint64_t cursor, struct probe_layers *ret_layers)
{
    struct layers layers;
    layers_end(walk, 0, &layers);
    *ret_layers = (struct probe_layers){
        .cursor = cursor,
        .rss_sum = layers.rss_bytes,
        .pss = layers.pss_bytes,
        .uss = layers.uss_bytes,
        .swap_sum = layers.swap_bytes,
        .swap_pss = layers.swap_pss_bytes,
        .huge = layers.huge_bytes,
        .anonymous = layers.anonymous_bytes,
        .mappings = layers.mappings,
        .arenas = layers.arenas,
        .stacks = layers.stacks,
        .large_count = layers.large_count,
    };
    memcpy(ret_layers->rss, layers.rss, sizeof(layers.rss));
    memcpy(ret_layers->swap, layers.swap, sizeof(layers.swap));
    for (size_t i = 0; i < layers.large_count; i++)
        ret_layers->large[i] = (struct probe_layers_large){.start = layers.large[i].start,
                                                           .size = layers.large[i].size_bytes,
                                                           .rss = layers.large[i].rss_bytes};
}

enum outcome probe_walk_smaps(int proc, pid_t pid, const struct probe_moved *moved,
                              struct probe_layers *ret_layers)
{
    struct walk walk = {.moved = moved};
    layers_begin(&walk.layers);
    enum outcome outcome = proc_smaps_walk(proc, pid, walk_visit, &walk);
    if (outcome == OUTCOME_OK)
        walk_end(&walk.layers, 0, ret_layers);
    return outcome;
}

static int walk_errno(enum outcome outcome, bool pagemap_denied)
{
    static const int errors[OUTCOME_COUNT] = {
        [OUTCOME_OK] = 0,          [OUTCOME_GONE] = -ENODATA,  [OUTCOME_DENIED] = -EPERM,
        [OUTCOME_ABSENT] = -EFBIG, [OUTCOME_MALFORMED] = -EIO, [OUTCOME_FAILED] = -EIO,
    };
    return pagemap_denied ? -EACCES : errors[outcome];
}

int probe_walk_pages(int proc, pid_t pid, uint64_t cursor, uint64_t until_usec,
                     const struct probe_moved *moved, struct probe_layers *ret_layers)
{
    static struct proc_pages pages; /* too large for a stack */
    struct walk walk = {.moved = moved};
    layers_begin(&walk.layers);
    pages.cursor = cursor;
    pages.until_usec = until_usec;
    enum outcome outcome = proc_pages_walk(proc, pid, &pages, walk_visit, &walk);
    if (outcome == OUTCOME_OK)
        walk_end(&walk.layers, pages.cursor, ret_layers);
    return walk_errno(outcome, pages.pagemap_denied);
}

void probe_walk_layers(const struct probe_layers *layers, uint64_t mono_usec,
                       struct layers *ret_layers)
{
    *ret_layers = (struct layers){
        .mono_usec = mono_usec,
        .rss_bytes = layers->rss_sum,
        .pss_bytes = layers->pss,
        .uss_bytes = layers->uss,
        .swap_bytes = layers->swap_sum,
        .swap_pss_bytes = layers->swap_pss,
        .huge_bytes = layers->huge,
        .anonymous_bytes = layers->anonymous,
        .mappings = layers->mappings,
        .arenas = layers->arenas,
        .stacks = layers->stacks,
        .large_count = layers->large_count,
    };
    memcpy(ret_layers->rss, layers->rss, sizeof(layers->rss));
    memcpy(ret_layers->swap, layers->swap, sizeof(layers->swap));
    for (size_t i = 0; i < layers->large_count; i++)
        ret_layers->large[i] = (struct layers_large){.start = layers->large[i].start,
                                                     .size_bytes = layers->large[i].size,
                                                     .rss_bytes = layers->large[i].rss};
}
