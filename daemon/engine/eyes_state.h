/* SPDX-License-Identifier: MIT */
/*
 * What the files of the eyes share: eyes (their life and tick), eyes_schedule (who is asked),
 * eyes_readings (what somebody waits for), eyes_answers (what comes back, into the table). Loop
 * thread only.
 */
#ifndef MEMTEND_ENGINE_EYES_STATE_H
#define MEMTEND_ENGINE_EYES_STATE_H

#include "engine/head.h"
#include "engine/layer_shelf.h"
#include "wire/probe_layers.h"

enum eyes_reading_kind { EYES_READING_ROLLUP, EYES_READING_LAYERS, EYES_READING_PAGES };

/* Somebody waits for it, or it comes in parts. */
struct eyes_reading {
    enum eyes_reading_kind kind;
    uint32_t sequence; /* of the request under way */
    struct process_id id;
    measure_answer measure;    /* for a receipt */
    eyes_layers_answer answer; /* for a person; neither of them: for the table */
    void *context;
    /* PAGES: the parts so far. */
    struct probe_layers sum;
    uint64_t exec_mark, cpu_usec;
};

struct eyes {
    bool pages_under_way; /* for the table: one at a time */
    bool said_pagemap;
    size_t reading_count;
    struct eyes_reading readings[PROBE_CLIENT_LIMIT];
    struct layer_shelf shelf;
};

/* eyes_schedule.c */
void eyes_schedule(struct head *head, uint64_t now_usec);
/* How long a rollup, or the layers, would hold the process up. */
uint64_t eyes_stall_usec(const struct head *head, const struct process *process, uint32_t what);

/* eyes_answers.c */
void eyes_on_answer(void *context, const struct probe_answer *answer);
/* What the mappings of a process tell, onto the shelf and into the table. */
void eyes_take_layers(struct head *head, struct process *process, uint64_t exec_mark,
                      const struct probe_layers *read, uint64_t now_usec);
/* Why something is absent, from a result of the probe or its client that is not 0. */
enum absence eyes_absence(int result);

/* eyes_readings.c */
/* True: it was for one of them. */
bool eyes_readings_on_answer(struct head *head, const struct probe_answer *answer);
/* USS and layers of one that is too dear for a rollup, for the table. */
int eyes_readings_pages(struct head *head, struct process_id id);

#endif
