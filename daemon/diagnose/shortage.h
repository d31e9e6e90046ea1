/* SPDX-License-Identifier: MIT */
/*
 * Was memory short on this machine at all? "Used" in free(1) counts the page cache, which the
 * kernel gives away when somebody needs the memory; what hurts is waiting for it (PSI) or having
 * none available. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_SHORTAGE_H
#define MEMTEND_DIAGNOSE_SHORTAGE_H

#include "model/sample.h"

#define SHORTAGE_TEXT_SIZE 256
#define SHORTAGE_LINES     7
#define SHORTAGE_LINE_SIZE 160

enum shortage_state {
    SHORTAGE_UNKNOWN,
    SHORTAGE_NOW,    /* tasks wait for memory, or there is next to none */
    SHORTAGE_RECENT, /* they did within the last minute */
    SHORTAGE_NEAR,   /* nobody waits; little is available */
    SHORTAGE_NONE,
    SHORTAGE_COUNT,
};

struct shortage {
    enum shortage_state state;
    char sentence[SHORTAGE_TEXT_SIZE];
    size_t line_count;
    char lines[SHORTAGE_LINES][SHORTAGE_LINE_SIZE]; /* the numbers behind it */
    const char *next;                               /* the command to type next; never NULL */
};

void shortage_find(const struct sample *host, struct shortage *ret_shortage);
const char *shortage_state_name(enum shortage_state state);

#endif
