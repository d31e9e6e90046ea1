/* SPDX-License-Identifier: MIT */
/*
 * The files of the host, each tick. Loop thread.
 */
#include "engine/head.h"

#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/vmstat.h"

static void host_oom_kills(struct head *head, int64_t before, bool known)
{
    int64_t kills;
    if (!known || !sample_get(&head->host, METRIC_OOM_KILLS, &kills) || kills <= before)
        return;
    journal_note(head->journal, EVENT_KIND_OOM_KILL, "host", NULL, NULL,
                 "the kernel killed %lld process%s for want of memory", (long long)(kills - before),
                 kills - before == 1 ? "" : "es");
}

void host_pass(struct head *head, uint64_t now_usec)
{
    int64_t kills = 0;
    bool known = sample_get(&head->host, METRIC_OOM_KILLS, &kills);
    meminfo_read(head->proc_fd, now_usec, &head->host);
    vmstat_read(head->proc_fd, now_usec, &head->host);
    enum outcome psi = pressure_read(head->proc_fd, now_usec, &head->host);
    head->status.psi = psi == OUTCOME_OK ? PSI_STATE_POLLED : PSI_STATE_ABSENT;
    host_oom_kills(head, kills, known);
}
