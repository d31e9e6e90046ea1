/* SPDX-License-Identifier: MIT */
/*
 * What the probe is asked, and when: identities of new processes, PSS and USS of those for which it
 * is worth the most, layers of the large ones, page by page where PSS would hold the process up.
 * Loop thread.
 */
#include "engine/eyes_state.h"

#include "base/clock.h"
#include "engine/eyes_turn.h"
#include "engine/probe_budget.h"

#include <errno.h>

/* From here on layers are read without being asked for, so that births of mappings are known. */
#define EYES_LARGE_BYTES (INT64_C(64) << 20)
#define EYES_LAYERS_USEC (60 * USEC_PER_SEC)

/* Page by page: at most a tenth of a percent of a core for each process, and seldom when the
 * right to is missing. */
#define EYES_PAGES_USEC        (60 * USEC_PER_SEC)
#define EYES_PAGES_FACTOR      1000
#define EYES_PAGES_DENIED_USEC (600 * USEC_PER_SEC)

static int64_t schedule_rss(const struct process *process)
{
    int64_t rss = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    return rss;
}

uint64_t eyes_stall_usec(const struct head *head, const struct process *process, uint32_t what)
{
    const struct probe_price *price = &table_tracked(&head->table, process)->price;
    int64_t rss = schedule_rss(process);
    return what & PROBE_WHAT_LAYERS ? probe_price_layers_usec(price, rss)
                                    : probe_price_usec(price, rss);
}

static int schedule_ask(struct head *head, struct process *process, uint32_t what,
                        enum probe_priority priority, uint64_t now)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    int r = probe_client_request(head->probe, process->id, eyes_stall_usec(head, process, what),
                                 what, priority, NULL);
    if (r < 0)
        return r;
    if (what & PROBE_WHAT_CMDLINE)
        tracked->identity_asked_usec = now;
    if (what & ~(uint32_t)PROBE_WHAT_CMDLINE)
        tracked->deep_asked_usec = now;
    return 0;
}

/* --- identities, and what rules look at --- */

static bool schedule_identity_due(const struct process *process, const struct tracked *tracked,
                                  uint64_t now)
{
    const struct eyes_identity identity = {
        .seen_usec = process->first_seen_usec,
        .asked_usec = tracked->identity_asked_usec,
        .read_usec = tracked->identity_usec,
        .denied = tracked->deep_denied,
        .slept = tracked->switches != 0 && tracked->switches == tracked->identity_switches,
    };
    return eyes_turn_identity(&identity, now);
}

static bool schedule_is_too_dear(const struct head *head, const struct process *process)
{
    return probe_budget_too_dear(eyes_stall_usec(head, process, PROBE_WHAT_ROLLUP), false);
}

/* For everybody, as far as there is room. */
static void schedule_wanted(struct head *head, uint64_t now)
{
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        struct tracked *tracked = &head->table.tracked[i];
        uint32_t what = 0;
        if (process->kernel_thread)
            continue;
        if (schedule_identity_due(process, tracked, now))
            what |= PROBE_WHAT_CMDLINE;
        if (tracked->deep_wanted && !tracked->deep_denied &&
            now - tracked->deep_asked_usec >= head->config.tick_usec &&
            !schedule_is_too_dear(head, process))
            what |= PROBE_WHAT_ROLLUP;
        if (what && schedule_ask(head, process, what, PROBE_PRIORITY_RULE, now) < 0)
            return;
    }
}

/* --- routine --- */

/* The best so far, best first. */
struct choice {
    size_t count, room;
    struct {
        uint64_t score;
        size_t index; /* in the table */
    } best[PROBE_CLIENT_ROUTINE_LIMIT];
};

static void choice_add(struct choice *choice, uint64_t score, size_t index)
{
    size_t at = choice->count;
    while (at > 0 && choice->best[at - 1].score < score)
        at--;
    if (at == choice->room)
        return;
    if (choice->count < choice->room)
        choice->count++;
    for (size_t i = choice->count - 1; i > at; i--)
        choice->best[i] = choice->best[i - 1];
    choice->best[at].score = score;
    choice->best[at].index = index;
}

static uint64_t schedule_score(const struct head *head, const struct process *process,
                               const struct tracked *tracked, uint64_t now)
{
    bool never = tracked->deep_asked_usec == 0;
    struct eyes_turn turn = {
        .since_usec = now - (never ? process->first_seen_usec : tracked->deep_asked_usec),
        .never_read = never,
        .calm = tracked->deep_calm,
        .rss_bytes = schedule_rss(process),
        .read_rss_bytes = tracked->deep_rss_bytes,
        .cost_usec = eyes_stall_usec(head, process, PROBE_WHAT_ROLLUP),
    };
    /* Refused by the kernel: tried again now and then, whatever moves. */
    if (tracked->deep_denied)
        turn.read_rss_bytes = turn.rss_bytes;
    return eyes_turn_score(&turn);
}

static bool schedule_wants_layers(const struct head *head, const struct process *process,
                                  const struct tracked *tracked, uint64_t now)
{
    int64_t rss = schedule_rss(process);
    if (rss < EYES_LARGE_BYTES)
        return false;
    if (tracked->layers_usec > 0 && (now - tracked->layers_usec < EYES_LAYERS_USEC ||
                                     !eyes_turn_moved(rss, tracked->layers_rss_bytes)))
        return false;
    return !probe_budget_too_dear(eyes_stall_usec(head, process, PROBE_WHAT_LAYERS), false);
}

/* One that is too dear is read page by page instead, when its turn comes. */
static void schedule_pages(struct head *head, struct process *process, struct tracked *tracked,
                           uint64_t now)
{
    uint64_t wait = (uint64_t)tracked->pages_cpu_usec * EYES_PAGES_FACTOR;
    if (wait < EYES_PAGES_USEC)
        wait = EYES_PAGES_USEC;
    if (process->uss_absence == ABSENCE_DENIED && !sample_has(&process->sample, METRIC_USS))
        wait = EYES_PAGES_DENIED_USEC;
    if (head->eyes->pages_under_way ||
        (tracked->pages_usec > 0 && now - tracked->pages_usec < wait))
        return;
    eyes_readings_pages(head, process->id);
}

/* Never sent: the answer is known. */
static void schedule_too_dear(struct head *head, struct process *process, struct tracked *tracked,
                              uint64_t now)
{
    process->pss_absence = ABSENCE_TOO_DEAR;
    sample_clear(&process->sample, METRIC_PSS);
    sample_clear(&process->sample, METRIC_SWAP_PSS);
    schedule_pages(head, process, tracked, now);
}

static void schedule_routine(struct head *head, uint64_t now)
{
    struct choice choice = {.room = probe_client_room(head->probe, PROBE_PRIORITY_ROUTINE)};
    if (choice.room > PROBE_CLIENT_ROUTINE_LIMIT)
        choice.room = PROBE_CLIENT_ROUTINE_LIMIT;
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        struct tracked *tracked = &head->table.tracked[i];
        if (process->kernel_thread)
            continue;
        if (schedule_is_too_dear(head, process)) {
            schedule_too_dear(head, process, tracked, now);
            continue;
        }
        uint64_t score = choice.room > 0 ? schedule_score(head, process, tracked, now) : 0;
        if (score > 0)
            choice_add(&choice, score, i);
    }
    for (size_t i = 0; i < choice.count; i++) {
        size_t index = choice.best[i].index;
        struct process *process = &head->table.processes[index];
        bool layers = schedule_wants_layers(head, process, &head->table.tracked[index], now);
        if (schedule_ask(head, process, layers ? PROBE_WHAT_LAYERS : PROBE_WHAT_ROLLUP,
                         PROBE_PRIORITY_ROUTINE, now) < 0)
            return;
    }
}

void eyes_schedule(struct head *head, uint64_t now_usec)
{
    schedule_wanted(head, now_usec);
    schedule_routine(head, now_usec);
}
