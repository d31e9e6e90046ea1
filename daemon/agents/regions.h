/* SPDX-License-Identifier: MIT */
/*
 * The marks of one process as events of the timeline: how many, and in which words. What is left
 * out, here or by its agent, is counted and said with the next one. Pure.
 */
#ifndef MEMTEND_AGENTS_REGIONS_H
#define MEMTEND_AGENTS_REGIONS_H

#include "agents/quota.h"
#include "model/event.h"
#include "wire/control.h"

struct regions {
    struct quota quota;
    uint64_t left_out; /* not yet said */
};

void regions_init(struct regions *regions, uint64_t now_usec);
/* True: it is to be noted, in these words. False: it was counted. */
bool regions_on_mark(struct regions *regions, const struct control_mark *mark, uint64_t now_usec,
                     char ret_text[static EVENT_TEXT_SIZE]);

#endif
