/* SPDX-License-Identifier: MIT */
/*
 * What waits to be read by the probe, and what may be read next: waiting lines by importance over
 * a fixed pool, and the budget. Pure over the time handed in. One owner.
 */
#ifndef MEMTEND_ENGINE_PROBE_SCHEDULE_H
#define MEMTEND_ENGINE_PROBE_SCHEDULE_H

#include "engine/probe_budget.h"
#include "engine/probe_client.h"

/* Waiting lines, served in this order. */
enum probe_line {
    PROBE_LINE_RECEIPT,
    PROBE_LINE_QUESTION,
    PROBE_LINE_IDENTITY, /* has a command line in it: cheap, and rules match nothing without it */
    PROBE_LINE_RULE,
    PROBE_LINE_PAGES, /* parts, so seldom that the routine behind them does not starve */
    PROBE_LINE_ROUTINE,
    PROBE_LINE_POOLS, /* parts of a scan: what the budget has left */
    PROBE_LINES,
};

struct probe_pending {
    struct probe_pending *next;
    uint32_t sequence;
    struct process_id id;
    uint64_t stall_usec; /* at most, as far as is known */
    uint32_t asked;      /* enum probe_what */
    uint32_t what;       /* the part of it that is sent; 0 = none */
    enum probe_line line;
    struct probe_scan_part part; /* of PROBE_WHAT_POOLS and PROBE_WHAT_PAGES */
    int result;                  /* why a part is not sent, or all of it; 0 = all is */
};

/* The answer is to this request (NULL: none): a lying probe must not have its values taken for
 * another process. */
bool probe_pending_fits(const struct probe_pending *pending, const struct probe_answer *answer);
/* The answer without the probe: its result, and nothing that was read. */
struct probe_answer probe_pending_refused(const struct probe_pending *pending);

/* What is sent of it; patience_usec: how long the reading may take if it is not read in parts. */
void probe_pending_request(const struct probe_pending *pending, uint64_t patience_usec,
                           uint64_t deadline_usec, struct probe_request *ret_request);

/* Singly linked; a request is in exactly one queue. */
struct probe_queue {
    struct probe_pending *first, *last;
    size_t count;
};

void probe_queue_push(struct probe_queue *queue, struct probe_pending *pending);
struct probe_pending *probe_queue_pop(struct probe_queue *queue); /* NULL when empty */

struct probe_schedule {
    struct probe_budget budget;
    struct probe_queue lines[PROBE_LINES];
    struct probe_queue free;
    struct probe_pending pool[PROBE_CLIENT_LIMIT];
};

/* Budget in permyriad of a core; 0: the default. */
void probe_schedule_init(struct probe_schedule *schedule, uint32_t budget_permyriad,
                         uint64_t now_usec);

/* Take a request in. NULL when its line is full. */
struct probe_pending *probe_schedule_add(struct probe_schedule *schedule, struct process_id id,
                                         uint64_t stall_usec, uint32_t what,
                                         enum probe_priority priority);
/*
 * The next one that may go now, out of its line, with what may be read of it; NULL when none may.
 * The caller puts it into a queue of its own, or back.
 */
struct probe_pending *probe_schedule_next(struct probe_schedule *schedule, uint64_t now_usec);
/* Put it back into its line, to come first. */
void probe_schedule_return(struct probe_schedule *schedule, struct probe_pending *pending);
/* Any one that waits, out of its line; NULL when none does. */
struct probe_pending *probe_schedule_drain(struct probe_schedule *schedule);
/* It is answered. */
void probe_schedule_release(struct probe_schedule *schedule, struct probe_pending *pending);

/* When the next one may go; UINT64_MAX when none waits. */
uint64_t probe_schedule_when(struct probe_schedule *schedule, uint64_t now_usec);
/* Rollups of this priority that would be taken in and may go soon. */
size_t probe_schedule_room(struct probe_schedule *schedule, enum probe_priority priority,
                           uint64_t now_usec);
size_t probe_schedule_waiting(const struct probe_schedule *schedule);

#endif
