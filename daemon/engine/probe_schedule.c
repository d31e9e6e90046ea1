/* SPDX-License-Identifier: MIT */
#include "engine/probe_schedule.h"

#include "base/clock.h"

#include <errno.h>

/* Raw command line bytes: what is shown is 256, what rules match is cut here. */
#define SCHEDULE_CMDLINE_BYTES 8192
/* One part of what is read in parts: others need not wait longer than for a rollup. */
#define SCHEDULE_PART_USEC (20 * USEC_PER_MSEC)

/* In all below PROBE_CLIENT_LIMIT but for receipts: there is always room for some of those. */
static const size_t line_limits[PROBE_LINES] = {
    [PROBE_LINE_RECEIPT] = PROBE_CLIENT_LIMIT,
    [PROBE_LINE_QUESTION] = 64, /* as many as http has connections */
    [PROBE_LINE_IDENTITY] = 256,
    [PROBE_LINE_RULE] = 256,
    [PROBE_LINE_PAGES] = 1, /* one process at a time, part by part */
    [PROBE_LINE_ROUTINE] = PROBE_CLIENT_ROUTINE_LIMIT,
    [PROBE_LINE_POOLS] = 1, /* one scan at a time, part by part */
};

struct probe_answer probe_pending_refused(const struct probe_pending *pending)
{
    return (struct probe_answer){.sequence = pending->sequence,
                                 .pid = pending->id.pid,
                                 .start_ticks = pending->id.start_ticks,
                                 .what = pending->asked,
                                 .result = pending->result,
                                 .own_private_bytes = -1,
                                 .own_rss_bytes = -1};
}

bool probe_pending_fits(const struct probe_pending *pending, const struct probe_answer *answer)
{
    return pending && answer->sequence == pending->sequence && answer->pid == pending->id.pid &&
           answer->start_ticks == pending->id.start_ticks && answer->what == pending->what;
}

void probe_pending_request(const struct probe_pending *pending, uint64_t patience_usec,
                           uint64_t deadline_usec, struct probe_request *ret_request)
{
    bool in_parts = (pending->what & (PROBE_WHAT_POOLS | PROBE_WHAT_PAGES)) != 0;
    *ret_request =
        (struct probe_request){.sequence = pending->sequence,
                               .pid = pending->id.pid,
                               .start_ticks = pending->id.start_ticks,
                               .what = pending->what,
                               .byte_budget = SCHEDULE_CMDLINE_BYTES,
                               .time_budget_usec = in_parts ? SCHEDULE_PART_USEC : patience_usec,
                               .deadline_usec = deadline_usec,
                               .cursor = pending->part.cursor,
                               .pool_bytes = pending->part.pool_bytes,
                               .scan_bytes = pending->part.scan_bytes};
}

void probe_queue_push(struct probe_queue *queue, struct probe_pending *pending)
{
    pending->next = NULL;
    if (queue->last)
        queue->last->next = pending;
    else
        queue->first = pending;
    queue->last = pending;
    queue->count++;
}

static void queue_push_front(struct probe_queue *queue, struct probe_pending *pending)
{
    pending->next = queue->first;
    queue->first = pending;
    if (!queue->last)
        queue->last = pending;
    queue->count++;
}

struct probe_pending *probe_queue_pop(struct probe_queue *queue)
{
    struct probe_pending *pending = queue->first;
    if (!pending)
        return NULL;
    queue->first = pending->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    return pending;
}

void probe_schedule_init(struct probe_schedule *schedule, uint32_t budget_permyriad,
                         uint64_t now_usec)
{
    *schedule = (struct probe_schedule){0};
    probe_budget_init(&schedule->budget, budget_permyriad, now_usec);
    for (size_t i = 0; i < PROBE_CLIENT_LIMIT; i++)
        probe_queue_push(&schedule->free, &schedule->pool[i]);
}

static enum probe_line line_of(uint32_t what, enum probe_priority priority)
{
    if (priority == PROBE_PRIORITY_RECEIPT)
        return PROBE_LINE_RECEIPT;
    if (priority == PROBE_PRIORITY_QUESTION)
        return PROBE_LINE_QUESTION;
    if (what & PROBE_WHAT_CMDLINE)
        return PROBE_LINE_IDENTITY;
    if (what & PROBE_WHAT_POOLS)
        return PROBE_LINE_POOLS;
    if (what & PROBE_WHAT_PAGES)
        return PROBE_LINE_PAGES;
    return priority == PROBE_PRIORITY_RULE ? PROBE_LINE_RULE : PROBE_LINE_ROUTINE;
}

/* Lines of deep readings that nobody waits for: they wait while the budget is used up. */
static bool line_keeps_to_budget(enum probe_line line)
{
    return line >= PROBE_LINE_RULE;
}

struct probe_pending *probe_schedule_add(struct probe_schedule *schedule, struct process_id id,
                                         uint64_t stall_usec, uint32_t what,
                                         enum probe_priority priority)
{
    enum probe_line line = line_of(what, priority);
    if (schedule->lines[line].count >= line_limits[line])
        return NULL;
    struct probe_pending *pending = probe_queue_pop(&schedule->free);
    if (!pending)
        return NULL;
    *pending =
        (struct probe_pending){.id = id, .stall_usec = stall_usec, .asked = what, .line = line};
    probe_queue_push(&schedule->lines[line], pending);
    return pending;
}

/* Take away what must not be read. */
static void pending_restrict(struct probe_schedule *schedule, struct probe_pending *pending,
                             uint64_t now_usec)
{
    bool for_receipt = pending->line == PROBE_LINE_RECEIPT;
    bool waited_for = for_receipt || pending->line == PROBE_LINE_QUESTION;
    pending->what = pending->asked;
    pending->result = 0;
    if (probe_budget_is_unreadable(&schedule->budget, pending->id, now_usec)) {
        pending->result = -ETIMEDOUT;
        pending->what = 0;
        return;
    }
    /* What is paused holds nobody up. */
    uint32_t holds_up = pending->asked & (PROBE_WHAT_ROLLUP | PROBE_WHAT_LAYERS);
    if (!holds_up)
        return;
    if (probe_budget_too_dear(pending->stall_usec, for_receipt))
        pending->result = -EFBIG;
    else if (!waited_for && !probe_budget_allows(&schedule->budget, now_usec))
        pending->result = -EBUSY;
    if (pending->result < 0)
        pending->what &= ~holds_up;
}

struct probe_pending *probe_schedule_next(struct probe_schedule *schedule, uint64_t now_usec)
{
    bool allowed = probe_budget_allows(&schedule->budget, now_usec);
    for (enum probe_line line = 0; line < PROBE_LINES; line++) {
        if (!schedule->lines[line].first || (!allowed && line_keeps_to_budget(line)))
            continue;
        struct probe_pending *pending = probe_queue_pop(&schedule->lines[line]);
        pending_restrict(schedule, pending, now_usec);
        return pending;
    }
    return NULL;
}

void probe_schedule_return(struct probe_schedule *schedule, struct probe_pending *pending)
{
    queue_push_front(&schedule->lines[pending->line], pending);
}

struct probe_pending *probe_schedule_drain(struct probe_schedule *schedule)
{
    for (enum probe_line line = 0; line < PROBE_LINES; line++)
        if (schedule->lines[line].first)
            return probe_queue_pop(&schedule->lines[line]);
    return NULL;
}

void probe_schedule_release(struct probe_schedule *schedule, struct probe_pending *pending)
{
    probe_queue_push(&schedule->free, pending);
}

uint64_t probe_schedule_when(struct probe_schedule *schedule, uint64_t now_usec)
{
    bool waits = false;
    for (enum probe_line line = 0; line < PROBE_LINES; line++) {
        if (!schedule->lines[line].first)
            continue;
        if (!line_keeps_to_budget(line))
            return now_usec;
        waits = true;
    }
    return waits ? probe_budget_when(&schedule->budget, now_usec) : UINT64_MAX;
}

size_t probe_schedule_room(struct probe_schedule *schedule, enum probe_priority priority,
                           uint64_t now_usec)
{
    enum probe_line line = line_of(PROBE_WHAT_ROLLUP, priority);
    if (line_keeps_to_budget(line) && !probe_budget_allows(&schedule->budget, now_usec))
        return 0;
    size_t waiting = schedule->lines[line].count;
    size_t room = waiting < line_limits[line] ? line_limits[line] - waiting : 0;
    return room < schedule->free.count ? room : schedule->free.count;
}

size_t probe_schedule_waiting(const struct probe_schedule *schedule)
{
    size_t waiting = 0;
    for (enum probe_line line = 0; line < PROBE_LINES; line++)
        waiting += schedule->lines[line].count;
    return waiting;
}
