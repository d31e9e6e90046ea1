/* SPDX-License-Identifier: MIT */
#include "engine/rule_book_entry.h"

#include "base/clock.h"
#include "engine/journal.h"
#include "engine/pause.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Notes of rules that would act, in one tick: a rule that suddenly matches a thousand processes
 * must not push the events of a thousand others out of sight. The rest comes with later ticks.
 */
#define RULE_TICK_NOTES 32
/*
 * Matching texts of new processes, and of those that changed theirs, in one tick: what is left has
 * its turn in the next ones. Who starts programs chooses their texts, and 256 rules on a thousand
 * command lines are 256,000 searches; the tick must stay on time all the same.
 */
#define RULE_TICK_MATCH_USEC (50 * USEC_PER_MSEC)

/* One rule that may match the process. */
struct rule_track_item {
    uint32_t serial;
    uint16_t active; /* index in rule_book.active */
    bool acted;      /* the last firing was taken on, or would be refused again */
    struct rule_progress progress;
};

/* The rules whose where clause the process's texts do not exclude; made again when texts or rules
 * change. */
struct rule_track {
    uint64_t identity;
    uint32_t generation;
    uint32_t count;
    struct rule_track_item items[];
};

/* What holds for the whole tick. */
struct rule_tick {
    struct rule_book *book;
    uint64_t now_usec;
    uint64_t match_until_usec;
    size_t put_off; /* index of the first process whose texts must wait; SIZE_MAX: none */
    size_t notes;
    int minute;                    /* of the day */
    bool full;                     /* the journal takes no new automatic action */
    bool acts[RULE_BOOK_LIMIT];    /* by index in active: armed and not paused */
    bool stopped[RULE_BOOK_LIMIT]; /* armed, but paused */
};

static const struct rule_entry *rule_tick_entry(const struct rule_book *book, size_t active)
{
    return &book->entries[book->active[active]];
}

static const struct rule_track_item *rule_track_find(const struct rule_track *track,
                                                     uint32_t serial)
{
    for (size_t i = 0; track && i < track->count; i++)
        if (track->items[i].serial == serial)
            return &track->items[i];
    return NULL;
}

/* NULL: no memory; the process is looked at again with the next tick. */
static struct rule_track *rule_track_make(const struct rule_book *book,
                                          const struct rule_subject *subject,
                                          const struct rule_track *old)
{
    uint16_t matching[RULE_BOOK_LIMIT];
    uint32_t count = 0;
    for (size_t i = 0; i < book->active_count; i++)
        if (!rule_excludes(rule_tick_entry(book, i)->rule, subject))
            matching[count++] = (uint16_t)i;
    struct rule_track *track = calloc(1, sizeof(*track) + count * sizeof(track->items[0]));
    if (!track)
        return NULL;
    track->identity = subject->identity;
    track->generation = book->generation;
    track->count = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t serial = rule_tick_entry(book, matching[i])->serial;
        const struct rule_track_item *before = rule_track_find(old, serial);
        if (before)
            track->items[i] = *before;
        track->items[i].serial = serial;
        track->items[i].active = matching[i];
    }
    return track;
}

bool rule_book_fired(const struct tracked *tracked)
{
    for (size_t i = 0; tracked->rules && i < tracked->rules->count; i++)
        if (tracked->rules->items[i].progress.fired)
            return true;
    return false;
}

void rule_book_forget(struct tracked *tracked)
{
    free(tracked->rules);
    tracked->rules = NULL;
}

/* NULL: which rules are about the process as it is now is not known in this tick. */
static struct rule_track *rule_tick_track(struct rule_tick *tick,
                                          const struct rule_subject *subject,
                                          struct tracked *tracked, size_t index)
{
    const struct rule_book *book = tick->book;
    struct rule_track *track = tracked->rules;
    if (track && track->identity == subject->identity && track->generation == book->generation)
        return track;
    if (clock_mono_usec() >= tick->match_until_usec) {
        tick->put_off = tick->put_off == SIZE_MAX ? index : tick->put_off;
        return NULL;
    }
    struct rule_track *made = rule_track_make(book, subject, track);
    if (!made)
        return NULL;
    free(track);
    tracked->rules = made;
    return made;
}

static void rule_tick_count(struct rule_tick *tick, size_t active)
{
    struct rule_entry *entry = &tick->book->entries[tick->book->active[active]];
    entry->fired_count++;
    entry->last_fired_wall_usec = clock_wall_usec();
}

/* Writes what the rule would have done. False: too many notes in this tick. */
static bool rule_tick_note(struct rule_tick *tick, size_t active, size_t fired_stage,
                           const struct process *process, const char *why)
{
    const struct rule *rule = rule_tick_entry(tick->book, active)->rule;
    const struct rule_stage *stage = &rule->stages[fired_stage];
    char target[PROCESS_ID_SIZE], steps[RULES_STEPS_SIZE];
    if (tick->notes >= RULE_TICK_NOTES)
        return false;
    tick->notes++;
    process_id_format(process->id, target);
    rules_format_steps(stage->steps, stage->step_count, steps);
    journal_note(tick->book->journal, EVENT_KIND_RULE_WOULD_FIRE, target, rule->name, NULL,
                 "would run %s in %s%s: %s", steps, process->comm,
                 fired_stage > 0 ? ", still over its limit" : "", why);
    rule_tick_count(tick, active);
    return true;
}

static enum order_refusal rule_tick_order(struct rule_tick *tick, const struct rule *rule,
                                          const struct rule_stage *stage,
                                          const struct process *process, struct error *error)
{
    char receipt[RECEIPT_ID_SIZE];
    struct rule_order order = {
        .rule = rule->name,
        .target = process->id,
        .step_count = stage->step_count,
        .pause_budget_usec = rule->pause_budget_usec,
    };
    if (tick->full)
        return ORDER_FULL;
    memcpy(order.steps, stage->steps, stage->step_count * sizeof(order.steps[0]));
    return tick->book->ops.order(tick->book->ops.context, &order, receipt, error);
}

/* Act. What is in the way for a moment is tried again; what stays so is written down. */
static void rule_tick_act(struct rule_tick *tick, struct rule_track_item *item,
                          const struct process *process)
{
    const struct rule *rule = rule_tick_entry(tick->book, item->active)->rule;
    size_t stage = item->progress.fired_stage;
    struct error error = {0};
    switch (rule_tick_order(tick, rule, &rule->stages[stage], process, &error)) {
    case ORDER_ACCEPTED:
        item->acted = true;
        rule_tick_count(tick, item->active);
        break;
    case ORDER_PROTECTED:
    case ORDER_NO_AGENT:
        item->acted = rule_tick_note(tick, item->active, stage, process, error.text);
        if (!item->acted)
            rule_unfire(&item->progress);
        break;
    case ORDER_GONE:
    case ORDER_BUSY:
    case ORDER_GRACE:
    case ORDER_RATE:
    case ORDER_FULL:
    case ORDER_PAUSED:
        rule_unfire(&item->progress);
        break;
    }
}

static void rule_tick_fire(struct rule_tick *tick, struct rule_track_item *item,
                           const struct process *process)
{
    item->acted = item->acted && item->progress.fired_stage > 0;
    if (tick->acts[item->active]) {
        rule_tick_act(tick, item, process);
        return;
    }
    const char *why = "the rule is not armed";
    if (tick->stopped[item->active])
        pause_is_on(tick->book->pause, rule_tick_entry(tick->book, item->active)->rule->name, &why);
    if (!rule_tick_note(tick, item->active, item->progress.fired_stage, process, why))
        rule_unfire(&item->progress);
}

static void rule_tick_wants(const struct rule *rule, const struct rule_subject *subject,
                            struct rule_progress *progress, uint64_t now_usec,
                            struct tracked *tracked)
{
    if ((!rule->wants_stat || tracked->stat_wanted) &&
        (!rule->wants_slow || tracked->slow_wanted) &&
        (!rule->wants_deep || tracked->deep_wanted) &&
        (!rule->wants_agent || tracked->agent_wanted) &&
        (!rule->wants_pools || tracked->pools_wanted) &&
        (!rule->wants_cgroup || tracked->cgroup_wanted))
        return;
    /* Unknown counts: the where clause itself may be waiting for the value. */
    if (rule_where(rule, subject, progress, now_usec) == TRUTH_FALSE)
        return;
    tracked->stat_wanted |= rule->wants_stat;
    tracked->slow_wanted |= rule->wants_slow;
    tracked->deep_wanted |= rule->wants_deep;
    tracked->agent_wanted |= rule->wants_agent;
    tracked->pools_wanted |= rule->wants_pools;
    tracked->cgroup_wanted |= rule->wants_cgroup;
}

static void rule_tick_process(struct rule_tick *tick, struct table *table, size_t index,
                              const struct sample *host)
{
    const struct process *process = &table->processes[index];
    struct tracked *tracked = &table->tracked[index];
    struct rule_subject subject = {
        .process = process,
        .full_cmdline = tracked->full_cmdline,
        .host = host,
        .identity = rule_identity(process, tracked->full_cmdline),
        .period_usec = tick->book->tick_usec,
        .minute = tick->minute,
    };
    struct rule_track *track = rule_tick_track(tick, &subject, tracked, index);
    for (size_t i = 0; track && i < track->count; i++) {
        struct rule_track_item *item = &track->items[i];
        const struct rule *rule = rule_tick_entry(tick->book, item->active)->rule;
        /* What was only written down does not hold back a rule that acts from now on. */
        if (tick->acts[item->active] && !item->acted)
            rule_forget(&item->progress);
        if (rule_evaluate(rule, &subject, &item->progress, tick->now_usec) == RULE_FIRE)
            rule_tick_fire(tick, item, process);
        rule_tick_wants(rule, &subject, &item->progress, tick->now_usec, tracked);
    }
}

static void rule_tick_begin(struct rule_tick *tick)
{
    const struct rule_book *book = tick->book;
    tick->match_until_usec = clock_mono_usec() + RULE_TICK_MATCH_USEC;
    tick->put_off = SIZE_MAX;
    tick->minute = clock_minute_of_day(clock_wall_usec());
    tick->full = journal_is_full(book->journal);
    for (size_t i = 0; i < book->active_count; i++) {
        const struct rule_entry *entry = rule_tick_entry(book, i);
        bool paused = pause_is_on(book->pause, entry->rule->name, NULL);
        tick->acts[i] = entry->state == RULE_STATE_ARMED && !paused;
        tick->stopped[i] = entry->state == RULE_STATE_ARMED && paused;
    }
}

void rule_book_tick(struct rule_book *book, struct table *table, const struct sample *host,
                    uint64_t now_usec)
{
    /* Once without any rule, so that nothing is wanted any more; then there is nothing to do. */
    if (book->active_count == 0 && book->idle)
        return;
    book->idle = book->active_count == 0;
    struct rule_tick tick = {.book = book, .now_usec = now_usec};
    rule_tick_begin(&tick);
    size_t first = book->turn < table->count ? book->turn : 0;
    for (size_t i = 0; i < table->count; i++) {
        size_t index = (first + i) % table->count;
        const struct process *process = &table->processes[index];
        struct tracked *tracked = &table->tracked[index];
        tracked->stat_wanted = tracked->slow_wanted = tracked->deep_wanted = false;
        tracked->agent_wanted = tracked->pools_wanted = tracked->cgroup_wanted = false;
        if (process->kernel_thread ||
            (book->ops.is_own && book->ops.is_own(book->ops.context, process)))
            continue;
        rule_tick_process(&tick, table, index, host);
    }
    /* Whoever had to wait comes first: no process can keep the others from their turn for ever. */
    book->turn = tick.put_off == SIZE_MAX ? 0 : tick.put_off;
}
