/* SPDX-License-Identifier: MIT */
/*
 * The files of the host, each tick and when the kernel says that memory is short. Loop thread.
 */
#include "engine/head.h"

#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/vmstat.h"

void host_pass(struct head *head, uint64_t now_usec)
{
    meminfo_read(head->proc_fd, now_usec, &head->host);
    vmstat_read(head->proc_fd, now_usec, &head->host);
    enum outcome psi = pressure_read(head->proc_fd, now_usec, &head->host);
    head->status.psi = psi == OUTCOME_OK ? pressure_watch_state(&head->pressure) : PSI_STATE_ABSENT;
}
