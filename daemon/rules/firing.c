/* SPDX-License-Identifier: MIT */
/* When a condition that holds makes its rule fire: what is remembered from tick to tick. */
#include "rules/evaluate.h"

#include <string.h>

#define FIRING_TENTH_USEC UINT64_C(100000)

/* A tick comes a little early or late; a tenth of a period is not allowed to cost a whole one. */
static uint64_t firing_slack(const struct rule_subject *subject)
{
    return subject->period_usec / 10;
}

/* ---- for ---- */

static bool firing_lasted(const struct rule *rule, const struct rule_subject *subject,
                          const struct rule_progress *progress, uint64_t now_usec)
{
    uint64_t lasted_usec = now_usec - progress->since_usec;
    uint64_t slack_usec = lasted_usec > 0 ? firing_slack(subject) : 0;
    return lasted_usec + slack_usec >= rule->for_usec;
}

/* ---- for D of W ---- */

static uint64_t firing_ticks(const struct rule_subject *subject, uint64_t usec)
{
    uint64_t ticks = (usec + subject->period_usec / 2) / subject->period_usec;
    return ticks > 0 ? ticks : 1;
}

/* How many ticks one bit stands for. */
static uint64_t firing_part(const struct rule *rule, const struct rule_subject *subject)
{
    uint64_t ticks = firing_ticks(subject, rule->window_usec);
    return (ticks + RULES_WINDOW_PARTS - 1) / RULES_WINDOW_PARTS;
}

/* A part counts when the condition held at each of its ticks. */
static void firing_push(struct rule_progress *progress, uint64_t part, bool holds)
{
    progress->part_holds = (progress->part_ticks == 0 || progress->part_holds) && holds;
    if (++progress->part_ticks < part)
        return;
    progress->window = progress->window << 1 | progress->part_holds;
    progress->part_ticks = 0;
}

static void firing_push_all(const struct rule *rule, const struct rule_subject *subject,
                            struct rule_progress *progress, uint64_t missed, bool holds)
{
    uint64_t part = firing_part(rule, subject);
    uint64_t whole = part * (RULES_WINDOW_PARTS + 1);
    for (uint64_t i = 0; i < missed && i < whole; i++)
        firing_push(progress, part, false);
    firing_push(progress, part, holds);
}

/* Each tick at which it holds stands for the period before it. */
static bool firing_gathered(const struct rule *rule, const struct rule_subject *subject,
                            const struct rule_progress *progress)
{
    uint64_t part = firing_part(rule, subject), ticks = firing_ticks(subject, rule->window_usec);
    uint64_t parts = (ticks + part - 1) / part;
    uint64_t newest = progress->window & ((UINT64_C(1) << parts) - 1);
    uint64_t held = (uint64_t)__builtin_popcountll(newest) * part;
    return held >= firing_ticks(subject, rule->for_usec);
}

/* ---- how often ---- */

static uint32_t firing_tenths(uint64_t usec)
{
    return (uint32_t)(usec / FIRING_TENTH_USEC);
}

static bool firing_was_often(const struct rule *rule, const struct rule_progress *progress,
                             uint64_t now_usec)
{
    if (rule->times == 1)
        return progress->fired && now_usec - progress->fired_usec < rule->cooldown_usec;
    uint32_t oldest = progress->times[rule->times - 1];
    return oldest > 0 && firing_tenths(now_usec) - oldest < firing_tenths(rule->cooldown_usec);
}

/* ---- what bars it ---- */

static bool firing_is_hour(const struct rule *rule, int minute)
{
    int from = rule->from_minute, to = rule->to_minute;
    if (from == to)
        return true;
    if (minute < 0)
        return false;
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

static bool firing_is_barred(const struct rule *rule, const struct evaluate *evaluate)
{
    return !firing_is_hour(rule, evaluate->subject->minute) ||
           evaluate_program(evaluate, &rule->only) != TRUTH_TRUE;
}

/* ---- the tick ---- */

static enum rule_outcome firing_fire(const struct rule *rule, struct rule_progress *progress,
                                     size_t stage, uint64_t now_usec)
{
    bool last = stage + 1 == rule->stage_count;
    progress->fired_stage = (uint8_t)stage;
    progress->stage = last ? 0 : (uint8_t)(stage + 1);
    progress->due_usec = last ? 0 : now_usec + rule->stages[stage + 1].after_usec;
    if (stage > 0)
        return RULE_FIRE;
    progress->fired = true;
    progress->fired_usec = now_usec;
    progress->waits = rule->until.count > 0;
    memmove(progress->times + 1, progress->times,
            sizeof(progress->times) - sizeof(progress->times[0]));
    progress->times[0] = firing_tenths(now_usec);
    return RULE_FIRE;
}

/* The condition holds now. */
static bool firing_is_ripe(const struct rule *rule, const struct rule_subject *subject,
                           const struct rule_progress *progress, uint64_t now_usec)
{
    return rule->window_usec > 0 ? firing_gathered(rule, subject, progress)
                                 : firing_lasted(rule, subject, progress, now_usec);
}

static enum rule_outcome firing_decide(const struct rule *rule, const struct evaluate *evaluate)
{
    struct rule_progress *progress = evaluate->progress;
    uint64_t now_usec = evaluate->now_usec;
    if (progress->stage > 0 && now_usec + firing_slack(evaluate->subject) >= progress->due_usec)
        return firing_is_barred(rule, evaluate)
                   ? RULE_BARRED
                   : firing_fire(rule, progress, progress->stage, now_usec);
    if (!firing_is_ripe(rule, evaluate->subject, progress, now_usec))
        return RULE_PENDING;
    if (progress->waits || firing_was_often(rule, progress, now_usec))
        return RULE_COOLING;
    if (firing_is_barred(rule, evaluate))
        return RULE_BARRED;
    return firing_fire(rule, progress, 0, now_usec);
}

/* Ticks that did not come since the last one. */
static uint64_t firing_missed(const struct rule_subject *subject,
                              const struct rule_progress *progress, uint64_t now_usec)
{
    if (progress->seen_usec == 0 || now_usec <= progress->seen_usec)
        return 0;
    return firing_ticks(subject, now_usec - progress->seen_usec) - 1;
}

static void firing_break(struct rule_progress *progress)
{
    progress->holds = false;
    progress->stage = 0;
}

enum rule_outcome rule_evaluate(const struct rule *rule, const struct rule_subject *subject,
                                struct rule_progress *progress, uint64_t now_usec)
{
    const struct evaluate evaluate = {
        .subject = subject, .progress = progress, .now_usec = now_usec};
    uint64_t missed = firing_missed(subject, progress, now_usec);
    bool another = progress->exec_count != subject->process->exec_count;
    if (progress->seen_usec == 0 || now_usec < progress->seen_usec || another ||
        now_usec - progress->seen_usec > evaluate_gap_usec(subject->period_usec))
        firing_break(progress);
    if (another) {
        progress->window = 0;
        progress->part_ticks = 0;
    }
    progress->seen_usec = now_usec;
    progress->exec_count = subject->process->exec_count;
    bool holds = rule_where(rule, subject, progress, now_usec) == TRUTH_TRUE &&
                 evaluate_program(&evaluate, &rule->when) == TRUTH_TRUE;
    if (rule->window_usec > 0)
        firing_push_all(rule, subject, progress, missed, holds);
    if (progress->waits && evaluate_program(&evaluate, &rule->until) == TRUTH_TRUE)
        progress->waits = false;
    if (!holds) {
        firing_break(progress);
        return RULE_IDLE;
    }
    if (!progress->holds) {
        progress->holds = true;
        progress->since_usec = now_usec;
    }
    return firing_decide(rule, &evaluate);
}

void rule_unfire(struct rule_progress *progress)
{
    if (progress->fired_stage == 0) {
        rule_forget(progress);
        return;
    }
    progress->stage = progress->fired_stage;
    progress->due_usec = 0;
}

void rule_forget(struct rule_progress *progress)
{
    if (!progress->fired)
        return;
    progress->fired = false;
    progress->waits = false;
    progress->stage = progress->fired_stage = 0;
    memmove(progress->times, progress->times + 1,
            sizeof(progress->times) - sizeof(progress->times[0]));
    progress->times[RULES_TIMES_LIMIT - 1] = 0;
}
