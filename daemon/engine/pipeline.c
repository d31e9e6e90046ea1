/* SPDX-License-Identifier: MIT */
/*
 * The tick: read this first. Data flows in the order of the lines of pipeline_tick(), from the
 * kernel to those who look at it. Loop thread; nothing here waits for anything.
 */
#include "engine/head.h"

#include "base/clock.h"

#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static uint64_t boot_offset_usec(uint64_t now_usec)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    uint64_t boot_usec = (uint64_t)boot.tv_sec * USEC_PER_SEC + (uint64_t)boot.tv_nsec / 1000;
    return boot_usec > now_usec ? boot_usec - now_usec : 0;
}

struct group_time pipeline_time(const struct head *head)
{
    return (struct group_time){.mono_usec = head->tick_usec,
                               .wall_usec = head->tick_wall_usec,
                               .boot_usec = head->tick_usec + head->boot_offset_usec};
}

static void pipeline_publish(struct head *head, bool whole)
{
    struct snapshot *snapshot = publication_begin(&head->publication);
    if (!snapshot)
        return; /* readers hold all other buffers: they keep what they have, the age shows it */
    snapshot->tick = head->tick;
    snapshot->mono_usec = head->tick_usec;
    snapshot->wall_usec = head->tick_wall_usec;
    snapshot->host = head->host;
    cgroups_publish(head->cgroups, snapshot);
    snapshot->boot_usec = head->tick_usec + head->boot_offset_usec;
    snapshot->count = 0;
    if (whole) {
        fast_pass_renew(head, head->tick_usec);
        groups_renew(&head->groups, &head->table);
        publication_copy(&head->publication, &head->table, snapshot);
    }
    groups_copy(&head->groups, snapshot);
    snapshot->status = head->status;
    publication_publish(&head->publication, snapshot, whole);
}

int pipeline_on_wanted(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct head *head = context;
    if (!publication_woken(&head->publication))
        return 0;
    self_cost_stage(&head->cost, &head->status, STAGE_AGENTS);
    pipeline_publish(head, true);
    self_cost_stage(&head->cost, &head->status, STAGE_PUBLISH);
    return 0;
}

/* systemd hears from the tick itself: a loop that hangs is not alive. */
static void pipeline_alive(struct head *head)
{
    if (head->watchdog_usec > 0)
        sd_notify(0, "WATCHDOG=1");
    if (head->ready_said)
        return;
    head->ready_said = true;
    sd_notifyf(0, "READY=1\nSTATUS=watching %zu processes", head->status.processes);
}

/* Rules that look at what an agent says get it as often as the tick. */
static void pipeline_want_statistics(struct head *head, uint64_t now_usec)
{
    for (size_t i = 0; i < head->table.count; i++)
        if (head->table.tracked[i].agent_wanted)
            agent_server_want_stats(head->agents, head->table.processes[i].id, now_usec);
}

static void pipeline_done(struct head *head, enum stage stage)
{
    self_cost_stage(&head->cost, &head->status, stage);
}

static void pipeline_collect(struct head *head, uint64_t now_usec)
{
    death_watch_before(head);
    int listed = fast_pass_discover(head);
    pipeline_done(head, STAGE_DISCOVER);
    /* Without a list nobody is declared dead: the table stays as it was. */
    if (listed == 0)
        fast_pass(head, now_usec);
    pipeline_done(head, STAGE_FAST);
    slow_pass(head, now_usec);
    pipeline_done(head, STAGE_SLOW);
    host_pass(head, now_usec);
    pipeline_done(head, STAGE_HOST);
    cgroups_on_tick(head->cgroups, &head->table, &head->host, head->tick, now_usec);
    pipeline_done(head, STAGE_CGROUPS);
    death_watch_on_tick(head);
    pressure_watch_on_tick(head, now_usec);
}

static void pipeline_judge(struct head *head, uint64_t now_usec)
{
    const struct group_time time = pipeline_time(head);
    table_families(&head->table);
    groups_on_tick(&head->groups, &head->table, &time);
    pause_on_time(head->pause, now_usec);
    if (head->rules_want)
        fast_pass_renew(head, now_usec);
    rule_book_tick(head->book, &head->table, &head->host, now_usec);
    if (head->rules_want)
        pipeline_want_statistics(head, now_usec);
    pipeline_done(head, STAGE_RULES);
}

static void pipeline_hand_on(struct head *head, uint64_t now_usec)
{
    record_tick(head, now_usec);
    journal_on_time(head->journal, now_usec);
    pipeline_done(head, STAGE_STORE);
    overview_fill(head, now_usec);
    bool whole = publication_wanted(&head->publication, now_usec);
    pipeline_publish(head, whole);
    if (!whole)
        publication_trim(&head->publication);
    pipeline_done(head, STAGE_PUBLISH);
}

void pipeline_tick(struct head *head, uint64_t now_usec)
{
    pipeline_done(head, STAGE_AGENTS); /* what was done since the last tick */
    head->tick++;
    head->tick_usec = now_usec;
    head->tick_wall_usec = clock_wall_usec();
    head->boot_offset_usec = boot_offset_usec(now_usec);

    pipeline_collect(head, now_usec);
    agent_server_on_tick(head->agents, now_usec);
    pipeline_done(head, STAGE_AGENTS);
    eyes_on_tick(head, now_usec);
    pipeline_done(head, STAGE_PROBE);
    pipeline_judge(head, now_usec);
    pipeline_hand_on(head, now_usec);

    head->status.tick_duration_usec = clock_mono_usec() - now_usec;
    pipeline_alive(head);
}
