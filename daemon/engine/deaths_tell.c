/* SPDX-License-Identifier: MIT */
/*
 * Deaths in words. Loop thread.
 */
#include "base/clock.h"
#include "base/text.h"
#include "engine/deaths_state.h"

#include <stdio.h>
#include <sys/wait.h>

#define DEATHS_SUPPRESSED_USEC (60 * USEC_PER_SEC)

static bool flow_take(struct deaths_flow *flow, uint64_t count, uint64_t now)
{
    bool taken = quota_take(&flow->quota, now);
    if (!taken)
        flow->suppressed += count;
    return taken;
}

static void tell(struct deaths *deaths, struct event *event, const struct pin *pin)
{
    deaths->config.ops.say(deaths->config.ops.context, event, pin);
}

/* The victim, and those that shared its budget. */
static void pin_fill(struct deaths *deaths, const struct death *victim, uint64_t now,
                     struct pin *pin)
{
    *pin = (struct pin){0};
    if (!victim || victim->row == 0 || !quota_take(&deaths->pins, now))
        return;
    struct pin_process *process = &pin->processes[pin->count++];
    *process = (struct pin_process){.row = victim->row, .id = victim->id, .victim = true};
    text_copy(process->comm, sizeof(process->comm), victim->comm);
    deaths->config.ops.add_members(deaths->config.ops.context, victim, pin);
}

static void kill_fill_victim(const struct death *victim, const struct kmsg_record *kill,
                             struct event *event)
{
    if (victim) {
        char target[PROCESS_ID_SIZE];
        process_id_format(victim->id, target);
        text_copy(event->target, sizeof(event->target), target);
        event_set_word(event, EVENT_WORD_COMM, victim->comm);
        event_set_word(event, EVENT_WORD_UNIT, victim->unit);
        event_set_word(event, EVENT_WORD_CGROUP, victim->cgroup);
        if (!kill && victim->rss_bytes > 0)
            event_set_number(event, EVENT_NUMBER_RSS, victim->rss_bytes);
    } else {
        text_copy(event->target, sizeof(event->target), "host");
    }
    if (!kill)
        return;
    if (!victim)
        event_set_number(event, EVENT_NUMBER_PID, kill->pid);
    event_set_word(event, EVENT_WORD_COMM, kill->comm);
    if (kill->cgroup[0])
        event_set_word(event, EVENT_WORD_CGROUP, kill->cgroup);
    event_set_word(event, EVENT_WORD_CONSTRAINT, oom_constraint_name(kill->constraint));
    if (kill->rss_bytes >= 0)
        event_set_number(event, EVENT_NUMBER_RSS, kill->rss_bytes);
}

static const char *kill_reason(const struct kmsg_record *kill)
{
    static const char *const reasons[OOM_CONSTRAINT_COUNT] = {
        [OOM_CONSTRAINT_UNKNOWN] = "for want of memory",
        [OOM_CONSTRAINT_NONE] = "because the machine was out of memory",
        [OOM_CONSTRAINT_MEMCG] = "because its control group, or one above, was at its limit",
        [OOM_CONSTRAINT_CPUSET] = "because the memory nodes of its cpuset were full",
        [OOM_CONSTRAINT_MEMPOLICY] = "because the memory nodes of its policy were full",
    };
    return reasons[kill ? kill->constraint : OOM_CONSTRAINT_UNKNOWN];
}

static void kill_text(const struct deaths_told *told, struct event *event)
{
    const struct death *victim = told->victim;
    char rss[TEXT_BYTES_SIZE + 8] = "", amount[TEXT_BYTES_SIZE];
    int64_t bytes;
    if (event_number(event, EVENT_NUMBER_RSS, &bytes)) {
        text_format_bytes(bytes, amount);
        snprintf(rss, sizeof(rss), "; RSS %s", amount);
    }
    if (!victim && !told->kill)
        snprintf(event->text, sizeof(event->text),
                 "the kernel killed %lld process%s%s for want of memory; no name is known",
                 (long long)told->count, told->count == 1 ? "" : "es",
                 told->cgroup[0] ? " of a control group" : "");
    else
        snprintf(event->text, sizeof(event->text), "the kernel killed %s%s (process %d) %s%s",
                 told->probably ? "a process, probably " : "", event->comm,
                 (int)(victim ? victim->id.pid : told->kill->pid), kill_reason(told->kill), rss);
}

void deaths_tell_kill(struct deaths *deaths, const struct deaths_told *told, uint64_t now_usec)
{
    if (!flow_take(&deaths->kills, (uint64_t)told->count, now_usec))
        return;
    struct event event = {.kind = EVENT_KIND_OOM_KILL};
    struct pin pin;
    kill_fill_victim(told->victim, told->kill, &event);
    if (!event.cgroup[0])
        event_set_word(&event, EVENT_WORD_CGROUP, told->cgroup);
    if (told->probably)
        event_set_word(&event, EVENT_WORD_CERTAINTY, "probably");
    if (!told->victim && !told->kill)
        event_set_number(&event, EVENT_NUMBER_KILLS, told->count);
    kill_text(told, &event);
    pin_fill(deaths, told->victim, now_usec, &pin);
    tell(deaths, &event, &pin);
}

/* "" = not known. */
static void end_cause(const struct death *death, bool oom_killed,
                      char ret_cause[static EVENT_CAUSE_SIZE])
{
    ret_cause[0] = '\0';
    if (oom_killed)
        text_copy(ret_cause, EVENT_CAUSE_SIZE, "OOM killer");
    else if (death->status_known && WIFEXITED(death->status))
        snprintf(ret_cause, EVENT_CAUSE_SIZE, "exit %d", WEXITSTATUS(death->status));
    else if (death->status_known && WIFSIGNALED(death->status))
        snprintf(ret_cause, EVENT_CAUSE_SIZE, "signal %d", WTERMSIG(death->status));
    else if (death->said_exit)
        text_copy(ret_cause, EVENT_CAUSE_SIZE, "exit");
}

void deaths_tell_end(struct deaths *deaths, const struct deaths_ended *ended, bool oom_killed,
                     uint64_t now_usec)
{
    const struct death *death = &ended->death;
    if (!flow_take(&deaths->ends, 1, now_usec))
        return;
    struct event event = {.kind = EVENT_KIND_EXIT};
    char target[PROCESS_ID_SIZE], cause[EVENT_CAUSE_SIZE], rss[TEXT_BYTES_SIZE] = "unknown";
    process_id_format(death->id, target);
    text_copy(event.target, sizeof(event.target), target);
    event_set_word(&event, EVENT_WORD_COMM, death->comm);
    event_set_word(&event, EVENT_WORD_UNIT, death->unit);
    end_cause(death, oom_killed, cause);
    event_set_word(&event, EVENT_WORD_CAUSE, cause);
    if (death->rss_bytes > 0) {
        event_set_number(&event, EVENT_NUMBER_RSS, death->rss_bytes);
        text_format_bytes(death->rss_bytes, rss);
    }
    snprintf(event.text, sizeof(event.text), "%s has ended%s%s%s; last RSS %s", death->comm,
             cause[0] ? " (" : "", cause, cause[0] ? ")" : "", rss);
    const struct pin none = {0};
    tell(deaths, &event, &none);
}

static void suppressed_tell(struct deaths *deaths, struct deaths_flow *flow, enum event_kind kind,
                            const char *format, uint64_t now)
{
    if (flow->suppressed == 0 || now - flow->said_usec < DEATHS_SUPPRESSED_USEC)
        return;
    struct event event = {.kind = kind};
    const struct pin none = {0};
    text_copy(event.target, sizeof(event.target), "host");
    snprintf(event.text, sizeof(event.text), format, (unsigned long long)flow->suppressed);
    if (kind == EVENT_KIND_OOM_KILL)
        event_set_number(&event, EVENT_NUMBER_KILLS, (int64_t)flow->suppressed);
    flow->suppressed = 0;
    flow->said_usec = now;
    tell(deaths, &event, &none);
}

void deaths_tell_suppressed(struct deaths *deaths, uint64_t now_usec)
{
    suppressed_tell(deaths, &deaths->kills, EVENT_KIND_OOM_KILL,
                    "the kernel killed %llu more for want of memory: too many to name", now_usec);
    suppressed_tell(deaths, &deaths->ends, EVENT_KIND_EXIT,
                    "%llu more watched processes have ended: too many to name", now_usec);
}
