/* SPDX-License-Identifier: MIT */
#include "engine/layer_shelf.h"

#include "engine/growth.h"

#include <string.h>

static struct layer_shelf_place *shelf_find(const struct layer_shelf *shelf, struct process_id id)
{
    for (size_t i = 0; i < LAYER_SHELF_LIMIT; i++)
        if (process_id_equal(shelf->places[i].id, id))
            return (struct layer_shelf_place *)&shelf->places[i];
    return NULL;
}

static struct layer_shelf_place *shelf_oldest(struct layer_shelf *shelf)
{
    struct layer_shelf_place *oldest = shelf->places;
    for (size_t i = 1; i < LAYER_SHELF_LIMIT; i++)
        if (shelf->places[i].layers.mono_usec < oldest->layers.mono_usec)
            oldest = &shelf->places[i];
    return oldest;
}

/* Mappings grow at both ends, and kernels join neighbours: it is the same as long as they overlap,
 * and as old as the oldest of them. False: it was not there. */
static bool shelf_birth(const struct layers *before, const struct layers_large *large,
                        uint64_t *ret_born_usec)
{
    bool found = false;
    uint64_t born = UINT64_MAX, end = large->start + (uint64_t)large->size_bytes;
    for (size_t i = 0; i < before->large_count; i++) {
        const struct layers_large *other = &before->large[i];
        if (other->start >= end || large->start >= other->start + (uint64_t)other->size_bytes)
            continue;
        found = true;
        born = other->born_usec < born ? other->born_usec : born;
    }
    if (found)
        *ret_born_usec = born;
    return found;
}

static void shelf_births(const struct layers *before, struct layers *layers)
{
    /* When not all were told it may have been among the others. */
    bool knew_all = before->large_count < LAYERS_LARGE_LIMIT;
    for (size_t i = 0; i < layers->large_count; i++) {
        struct layers_large *large = &layers->large[i];
        if (!shelf_birth(before, large, &large->born_usec))
            large->born_usec = knew_all ? layers->mono_usec : 0;
    }
}

static void shelf_note(struct layer_shelf_place *place, const struct layers *layers)
{
    const struct layers_past *newer = &place->newer;
    if (newer->mono_usec != 0 && layers->mono_usec < newer->mono_usec + GROWTH_SPAN_USEC)
        return;
    place->older = place->newer;
    place->newer =
        (struct layers_past){.mono_usec = layers->mono_usec, .rss_bytes = layers->rss_bytes};
    memcpy(place->newer.rss, layers->rss, sizeof(layers->rss));
}

void layer_shelf_put(struct layer_shelf *shelf, struct process_id id, uint64_t exec_mark,
                     struct layers *layers)
{
    struct layer_shelf_place *place = shelf_find(shelf, id);
    if (place && place->exec_mark == exec_mark)
        shelf_births(&place->layers, layers);
    if (!place)
        place = shelf_oldest(shelf);
    if (!process_id_equal(place->id, id) || place->exec_mark != exec_mark)
        *place = (struct layer_shelf_place){.id = id, .exec_mark = exec_mark};
    place->layers = *layers;
    shelf_note(place, layers);
}

const struct layers *layer_shelf_get(const struct layer_shelf *shelf, struct process_id id)
{
    const struct layer_shelf_place *place = shelf_find(shelf, id);
    return place ? &place->layers : NULL;
}

const struct layers_past *layer_shelf_before(const struct layer_shelf *shelf, struct process_id id)
{
    const struct layer_shelf_place *place = shelf_find(shelf, id);
    if (!place)
        return NULL;
    return place->older.mono_usec != 0 ? &place->older : &place->newer;
}
