/* SPDX-License-Identifier: MIT */
/*
 * Ledgers and verdicts that people wait for. Each rests on a fresh reading of the mappings by the
 * probe and fresh numbers of the agent, as far as either can be had in time; what is missing, and
 * why, is said in the answer. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_LEDGERS_H
#define MEMTEND_ENGINE_LEDGERS_H

#include "model/command.h"

#include <systemd/sd-event.h>

/* Each costs its process a walk over its mappings: more at a time help nobody. */
#define LEDGERS_LIMIT 16

struct head;

struct ledgers_order {
    struct command *command; /* owned */
    bool wants_layers, wants_stats;
    uint64_t until_usec;
    bool has_layers;
    struct layers layers;
    char missing[VERDICT_LINE_SIZE]; /* why there are no layers */
};

struct ledgers {
    sd_event_source *timer;
    size_t count;
    struct ledgers_order orders[LEDGERS_LIMIT];
};

/* Takes the command (COMMAND_DIAGNOSIS with the id of a process in the table) and answers it
 * sooner or later. */
void ledgers_take(struct head *head, struct command *command);
/* Statistics of this process have come, or will not. */
void ledgers_on_stats(struct head *head, struct process_id id);
/* Refuses what still waits. */
void ledgers_stop(struct head *head);

#endif
