/* SPDX-License-Identifier: MIT */
/*
 * The last layers of processes that were asked about or are large, and with them since when their
 * large mappings are there: from one reading to the next a mapping that was not there before was
 * born (one that the kernel joined to its neighbour is as old as that). So many processes at most;
 * the one that was put longest ago makes room. Pure; plain data, one owner.
 */
#ifndef MEMTEND_ENGINE_LAYER_SHELF_H
#define MEMTEND_ENGINE_LAYER_SHELF_H

#include "model/layer.h"
#include "model/process.h"

/* 170 KiB in all, and no more processes on a machine are large at once. */
#define LAYER_SHELF_LIMIT 256

struct layer_shelf_place {
    struct process_id id; /* pid 0 = free */
    uint64_t exec_mark;   /* of the program that the layers are of */
    struct layers layers;
    struct layers_past older, newer; /* notes of earlier readings, as in growth.h */
};

/* Zeroed = empty. */
struct layer_shelf {
    struct layer_shelf_place places[LAYER_SHELF_LIMIT];
};

/* Takes a copy and tells the births of its large mappings. */
void layer_shelf_put(struct layer_shelf *shelf, struct process_id id, uint64_t exec_mark,
                     struct layers *layers);
/* Of this program only. NULL: none; good until the next put. */
const struct layers *layer_shelf_get(const struct layer_shelf *shelf, struct process_id id);
/* What is known of some minutes ago, or of the first reading. NULL: nothing; good until the next
 * put. */
const struct layers_past *layer_shelf_before(const struct layer_shelf *shelf, struct process_id id);

#endif
