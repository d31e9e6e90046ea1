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

/* The snapshot leaves out kernel threads: they have no memory of their own. */
static void pipeline_publish(struct head *head, uint64_t now_usec)
{
    struct snapshot *snapshot = publication_begin(&head->publication);
    if (!snapshot)
        return; /* readers hold all other buffers: they keep what they have, the age shows it */
    snapshot->tick = head->tick;
    snapshot->mono_usec = now_usec;
    snapshot->wall_usec = clock_wall_usec();
    snapshot->host = head->host;
    snapshot->count = 0;
    for (size_t i = 0; i < head->table.count; i++)
        if (!head->table.processes[i].kernel_thread)
            snapshot->processes[snapshot->count++] = head->table.processes[i];
    head->status.processes = snapshot->count;
    overview_fill(head, now_usec, &snapshot->status);
    publication_publish(&head->publication, snapshot);
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

void pipeline_tick(struct head *head, uint64_t now_usec)
{
    head->tick++;
    head->boot_offset_usec = boot_offset_usec(now_usec);

    passes_fast(head, now_usec);
    passes_slow(head, now_usec);
    passes_host(head, now_usec);
    table_families(&head->table);
    agent_server_on_tick(head->agents, now_usec);
    eyes_on_tick(head, now_usec);
    pause_on_time(head->pause, now_usec);
    rule_book_tick(head->book, &head->table, &head->host, now_usec);
    pipeline_want_statistics(head, now_usec);
    record_tick(head, now_usec);
    journal_on_time(head->journal, now_usec);
    pipeline_publish(head, now_usec);

    head->status.tick_duration_usec = clock_mono_usec() - now_usec;
    pipeline_alive(head);
}
