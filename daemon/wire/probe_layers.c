/* SPDX-License-Identifier: MIT */
#include "wire/probe_layers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* It travels as it is: no padding, so that no byte of our memory leaks. */
_Static_assert(sizeof(struct probe_layers) == PROBE_LAYERS_SIZE, "no padding in layers");

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

static bool layers_are_sane(const struct probe_layers *layers)
{
    if (!kinds_are_sane(layers->rss, layers->rss_sum) ||
        !kinds_are_sane(layers->swap, layers->swap_sum) || !large_is_sane(layers))
        return false;
    return layers->pss >= 0 && layers->uss >= 0 && layers->swap_pss >= -1 && layers->huge >= -1 &&
           layers->anonymous >= -1;
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
