/* SPDX-License-Identifier: MIT */
/*
 * The payload of an answer with PROBE_WHAT_LAYERS or PROBE_WHAT_PAGES: where the resident memory of
 * a process is, by kind of mapping (the kinds are numbered as in model/layer.h, which the engine
 * checks). Pure, no allocation; any thread.
 */
#ifndef MEMTEND_WIRE_PROBE_LAYERS_H
#define MEMTEND_WIRE_PROBE_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_LAYERS_KINDS 8
#define PROBE_LAYERS_LARGE 8
#define PROBE_LAYERS_SIZE  400

struct probe_layers_large {
    uint64_t start;
    int64_t size, rss;
};

/* Bytes; -1 in the last four sums: not told. */
struct probe_layers {
    uint64_t cursor; /* PAGES: where the next request goes on; 0 = this was the last part */
    int64_t rss[PROBE_LAYERS_KINDS], swap[PROBE_LAYERS_KINDS];
    int64_t rss_sum, uss, swap_sum, pss, swap_pss, huge, anonymous;
    uint32_t mappings, arenas, stacks, large_count;
    struct probe_layers_large large[PROBE_LAYERS_LARGE]; /* the first large_count, largest first */
};

/* The next part of the same process; cursor and numbers of mappings are those of the last part.
 * -EBADMSG: together they are more than there can be. */
int probe_layers_add(struct probe_layers *sum, const struct probe_layers *part);

void probe_layers_encode(const struct probe_layers *layers,
                         unsigned char ret_payload[static PROBE_LAYERS_SIZE]);
/* -EBADMSG: not one, or numbers that cannot be. */
int probe_layers_decode(const char *payload, size_t size, struct probe_layers *ret_layers);

#endif
