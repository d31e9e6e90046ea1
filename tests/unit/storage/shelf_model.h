/* SPDX-License-Identifier: MIT */
/*
 * A life of processes at random, and beside it in a plain array what every one had at every tick.
 * The shelf is fed with it and asked what it knows.
 */
#ifndef MEMTEND_TESTS_SHELF_MODEL_H
#define MEMTEND_TESTS_SHELF_MODEL_H

#include "shelf_fixture.h"

#include <stdbool.h>

#define MODEL_ROWS    160 /* ever; 1 .. MODEL_ROWS - 1 */
#define MODEL_TICKS   2600
#define MODEL_ALIVE   16
#define MODEL_METRICS 6

struct model_cell {
    uint32_t present; /* bit = index into model_metrics */
    int64_t value[MODEL_METRICS];
};

struct model {
    struct fixture_random random;
    struct tick tick; /* the one that was made last */
    bool gap;
    bool exists[MODEL_TICKS];
    bool alive[MODEL_ROWS];
    int64_t next_row;
    struct model_cell now[MODEL_ROWS];
    struct model_cell cells[MODEL_ROWS][MODEL_TICKS];
    uint8_t sealed[MODEL_ROWS][MODEL_TICKS]; /* how often */
};

struct model *model_new(uint64_t seed);
void model_free(struct model *model);
/* What happens next: model->tick. */
void model_make(struct model *model, int64_t id);
/* It was stored. Not called: it is lost, and what ended has to come again. */
void model_stored(struct model *model, int64_t id);
/* Fails the test when the bytes are not what was there. */
void model_check(const struct model *model, int64_t row, struct shelf_period period,
                 const uint8_t *data, size_t size);
void model_seal(struct model *model, const struct shelf_piece *piece);
/* Everything that was stored was sealed once. */
void model_check_sealed(const struct model *model);

/* What the shelf has summed up is what its logs say. */
void model_check_sums(struct shelf *shelf);

/* All that the shelf would tell readers from this tick on: rows, periods, bytes. */
void model_copy_all(struct shelf *shelf, int64_t from_tick, struct buffer *ret_copy);

#endif
