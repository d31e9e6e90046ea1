/* SPDX-License-Identifier: MIT */
#include "wire/probe_layers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* More than any address space; sums of parts cannot overflow. */
#define LAYERS_MAX_BYTES (INT64_C(1) << 57)

/* It travels as it is: no padding, so that no byte of our memory leaks. */
_Static_assert(sizeof(struct probe_layers) == PROBE_LAYERS_SIZE, "no padding in layers");

/* Largest first; the smallest falls out when there are too many. */
static void layers_put(struct probe_layers *layers, const struct probe_layers_large *large)
{
    uint32_t at = layers->large_count;
    while (at > 0 && layers->large[at - 1].rss < large->rss)
        at--;
    if (at == PROBE_LAYERS_LARGE)
        return;
    if (layers->large_count < PROBE_LAYERS_LARGE)
        layers->large_count++;
    memmove(&layers->large[at + 1], &layers->large[at],
            (layers->large_count - 1 - at) * sizeof(layers->large[0]));
    layers->large[at] = *large;
}

/* A mapping that two parts share is one again. */
static void layers_add_large(struct probe_layers *sum, const struct probe_layers_large *large)
{
    struct probe_layers_large whole = *large;
    uint32_t i = 0;
    while (i < sum->large_count && sum->large[i].start != large->start)
        i++;
    if (i < sum->large_count) {
        whole.rss += sum->large[i].rss;
        sum->large_count--;
        memmove(&sum->large[i], &sum->large[i + 1], (sum->large_count - i) * sizeof(sum->large[0]));
    }
    layers_put(sum, &whole);
}

static void add_told(int64_t *sum, int64_t bytes)
{
    *sum = *sum >= 0 && bytes >= 0 ? *sum + bytes : -1;
}

int probe_layers_add(struct probe_layers *sum, const struct probe_layers *part)
{
    if (sum->rss_sum > LAYERS_MAX_BYTES || sum->swap_sum > LAYERS_MAX_BYTES)
        return -EBADMSG;
    for (size_t i = 0; i < PROBE_LAYERS_KINDS; i++) {
        sum->rss[i] += part->rss[i];
        sum->swap[i] += part->swap[i];
    }
    sum->rss_sum += part->rss_sum;
    sum->uss += part->uss;
    sum->swap_sum += part->swap_sum;
    add_told(&sum->pss, part->pss);
    add_told(&sum->swap_pss, part->swap_pss);
    add_told(&sum->huge, part->huge);
    add_told(&sum->anonymous, part->anonymous);
    sum->cursor = part->cursor;
    sum->mappings = part->mappings;
    sum->arenas = part->arenas;
    sum->stacks = part->stacks;
    for (size_t i = 0; i < part->large_count; i++)
        layers_add_large(sum, &part->large[i]);
    return 0;
}

void probe_layers_encode(const struct probe_layers *layers,
                         unsigned char ret_payload[static PROBE_LAYERS_SIZE])
{
    memcpy(ret_payload, layers, PROBE_LAYERS_SIZE);
}

/* Whether none is negative and all together are `sum`. */
static bool kinds_are_sane(const int64_t kinds[static PROBE_LAYERS_KINDS], int64_t sum)
{
    for (size_t i = 0; i < PROBE_LAYERS_KINDS; i++) {
        if (kinds[i] < 0 || kinds[i] > sum)
            return false;
        sum -= kinds[i];
    }
    return sum == 0;
}

static bool large_is_sane(const struct probe_layers *layers)
{
    int64_t last = layers->rss_sum;
    if (layers->large_count > PROBE_LAYERS_LARGE)
        return false;
    for (size_t i = 0; i < layers->large_count; i++) {
        const struct probe_layers_large *large = &layers->large[i];
        if (large->rss < 0 || large->rss > last || large->size <= 0)
            return false;
        last = large->rss;
    }
    return true;
}

static bool told_is_sane(int64_t bytes, int64_t most)
{
    return bytes >= -1 && bytes <= most;
}

static bool layers_are_sane(const struct probe_layers *layers)
{
    if (layers->rss_sum > LAYERS_MAX_BYTES || layers->swap_sum > LAYERS_MAX_BYTES)
        return false;
    if (!kinds_are_sane(layers->rss, layers->rss_sum) ||
        !kinds_are_sane(layers->swap, layers->swap_sum) || !large_is_sane(layers))
        return false;
    int64_t rss = layers->rss_sum;
    return layers->uss >= 0 && layers->uss <= rss && told_is_sane(layers->pss, rss) &&
           told_is_sane(layers->huge, rss) && told_is_sane(layers->anonymous, rss) &&
           told_is_sane(layers->swap_pss, layers->swap_sum);
}

int probe_layers_decode(const char *payload, size_t size, struct probe_layers *ret_layers)
{
    struct probe_layers layers;
    if (size != sizeof(layers))
        return -EBADMSG;
    memcpy(&layers, payload, sizeof(layers));
    if (!layers_are_sane(&layers))
        return -EBADMSG;
    *ret_layers = layers;
    return 0;
}
