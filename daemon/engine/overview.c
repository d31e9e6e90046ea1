/* SPDX-License-Identifier: MIT */
/*
 * How memtend itself is doing, for the status of each snapshot. Loop thread.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_statm.h"
#include "collect/self.h"

#include <stdio.h>
#include <unistd.h>

/* Own memory is read from smaps_rollup, which costs about a millisecond: rarely. */
#define OVERVIEW_SELF_TICKS 10
/* What is missing takes a look at everybody; nobody can do anything about it within seconds. */
#define OVERVIEW_MISSING_TICKS 4

/* The probe says in each answer what it costs itself; own memory is that of all roles. */
static void overview_probe(const struct head *head, struct status *status)
{
    struct probe_client_state probe = {.state = PROBE_STATE_DOWN, .detail = "switched off"};
    if (head->probe)
        probe_client_state(head->probe, &probe);
    status->probe = probe.state;
    status->probe_restarts = probe.restarts;
    status->probe_deep_usec_total = probe.deep_usec_total;
    status->roles_separated = probe.separated;
    text_copy(status->probe_detail, sizeof(status->probe_detail), probe.detail);
    if (head->own_private_bytes < 0)
        return;
    status->self_private_bytes = head->own_private_bytes;
    status->self_rss_bytes = head->own_rss_bytes;
    if (probe.own_private_bytes > 0)
        status->self_private_bytes += probe.own_private_bytes;
    if (probe.own_rss_bytes > 0)
        status->self_rss_bytes += probe.own_rss_bytes;
}

static void overview_self(struct head *head, uint64_t now)
{
    struct status *status = &head->status;
    struct self_memory own;
    if (head->tick % OVERVIEW_SELF_TICKS != 1)
        return;
    uint64_t cpu = clock_cpu_usec();
    if (head->own_cpu_at_usec > 0)
        status->self_cpu_permyriad =
            (int64_t)((cpu - head->own_cpu_usec) * 10000 / (now - head->own_cpu_at_usec));
    head->own_cpu_usec = cpu;
    head->own_cpu_at_usec = now;
    if (self_memory_read(head->proc_fd, getpid(), &own) != OUTCOME_OK)
        return;
    head->own_private_bytes = own.private_bytes;
    head->own_rss_bytes = own.rss_bytes;
}

static void overview_miss(struct status *status, const char *text)
{
    if (status->missing_count < STATUS_MISSING_LIMIT)
        text_copy(status->missing[status->missing_count++], STATUS_TEXT_SIZE, text);
}

static void overview_cgroups(const struct head *head, struct status *status)
{
    static const char *const texts[CGROUP_KIND_COUNT] = {
        [CGROUP_KIND_NONE] = "memory limits of services and containers: no control group hierarchy "
                             "is mounted (mount -t cgroup2 none /sys/fs/cgroup)",
        [CGROUP_KIND_V1] = "pressure and high events of control groups: cgroup v1 has none (boot "
                           "with systemd.unified_cgroup_hierarchy=1)",
        [CGROUP_KIND_V2_NO_MEMORY] = "memory limits of services and containers: cgroup v2 without "
                                     "its memory controller (boot without cgroup_disable=memory)",
    };
    if (texts[status->cgroup_kind])
        overview_miss(status, texts[status->cgroup_kind]);
    if (cgroups_is_full(head->cgroups))
        overview_miss(status, "limits of some processes: there are too many control groups");
}

/* Processes whose PSS, or USS, is absent for each reason. */
struct overview_absent {
    size_t pss[ABSENCE_COUNT], uss[ABSENCE_COUNT];
};

static void overview_absences(const struct table *table, struct overview_absent *ret_absent)
{
    struct overview_absent absent = {0};
    for (size_t i = 0; i < table->count; i++) {
        const struct process *process = &table->processes[i];
        if (process->kernel_thread)
            continue;
        if (!sample_has(&process->sample, METRIC_PSS))
            absent.pss[process->pss_absence]++;
        if (!sample_has(&process->sample, METRIC_USS))
            absent.uss[process->uss_absence]++;
    }
    *ret_absent = absent;
}

static void overview_deep(const struct head *head, struct status *status)
{
    char text[STATUS_TEXT_SIZE];
    struct overview_absent absent;
    overview_absences(&head->table, &absent);
    size_t dear = absent.pss[ABSENCE_TOO_DEAR], hung = absent.pss[ABSENCE_UNREADABLE];
    /* Those whose PSS is denied as well are in another line. */
    size_t denied = absent.uss[ABSENCE_DENIED] > absent.pss[ABSENCE_DENIED]
                        ? absent.uss[ABSENCE_DENIED] - absent.pss[ABSENCE_DENIED]
                        : 0;
    if (dear > 0) {
        snprintf(text, sizeof(text),
                 "PSS of %zu process%s: reading it would hold %s up for more than 10 ms", dear,
                 dear == 1 ? "" : "es", dear == 1 ? "it" : "each");
        overview_miss(status, text);
    }
    if (denied > 0) {
        snprintf(text, sizeof(text),
                 "USS of %zu large process%s of other users: the probe needs CAP_DAC_READ_SEARCH "
                 "for PID/pagemap",
                 denied, denied == 1 ? "" : "es");
        overview_miss(status, text);
    }
    if (hung > 0) {
        snprintf(text, sizeof(text),
                 "PSS and USS of %zu process%s: a reading hung; tried again after ten minutes",
                 hung, hung == 1 ? "" : "es");
        overview_miss(status, text);
    }
}

static void overview_missing(const struct head *head, struct status *status)
{
    char text[STATUS_TEXT_SIZE];
    size_t denied = 0;
    for (size_t i = 0; i < head->table.count; i++)
        denied += head->table.tracked[i].deep_denied;
    status->missing_count = 0;
    if (denied > 0) {
        snprintf(text, sizeof(text), "PSS, USS and command line of %zu process%s: %s", denied,
                 denied == 1 ? "" : "es",
                 status->probe == PROBE_STATE_LIMITED
                     ? "the probe needs CAP_SYS_PTRACE (run memtend as the installed service)"
                     : "the kernel refuses them even to the probe (user namespace or LSM)");
        overview_miss(status, text);
    }
    overview_deep(head, status);
    if (!head->probe)
        overview_miss(status, "PSS and USS of all processes: the probe is switched off ([Probe])");
    if (status->oom_log == OOM_LOG_DENIED)
        overview_miss(status, "whom the OOM killer killed, by name: the journal may not be read (a "
                              "drop-in with SupplementaryGroups=systemd-journal, or CAP_SYSLOG)");
    if (status->oom_log == OOM_LOG_NONE)
        overview_miss(status, "whom the OOM killer killed, by name: /dev/kmsg cannot be read (a "
                              "drop-in with CAP_SYSLOG, PrivateDevices=no, ProtectKernelLogs=no)");
    if (status->psi == PSI_STATE_ABSENT)
        overview_miss(status, "memory pressure: this kernel has no PSI (boot with psi=1)");
    overview_cgroups(head, status);
    if (head->pids.cut) {
        snprintf(text, sizeof(text),
                 "processes above the limit of %zu: raise MaxProcesses in memtend.conf",
                 head->table.capacity);
        overview_miss(status, text);
    }
}

/* Who is watched, what that takes, and which other threads of ours there are. */
static void overview_cost(struct head *head, struct status *status)
{
    uint64_t http = head->http ? http_cpu_usec(head->http) : 0;
    status->processes = head->table.count - head->kernel_threads;
    status->kept_files = head->table.kept;
    status->kept_files_limit = head->kept.limit;
    status->kept_kernel_bytes = head->table.kept * PROC_STATM_KERNEL_BYTES;
    if (head->writer)
        self_cost_thread(&head->cost, status, STAGE_STORE, store_writer_cpu_usec(head->writer));
    if (head->reader)
        http += store_reader_cpu_usec(head->reader);
    self_cost_thread(&head->cost, status, STAGE_HTTP, http);
    self_cost_tick(&head->cost, status);
}

void overview_fill(struct head *head, uint64_t now_usec)
{
    struct status *status = &head->status;
    overview_self(head, now_usec);
    overview_probe(head, status);
    status->cgroup_kind = cgroups_kind(head->cgroups);
    status->cgroups = cgroups_count(head->cgroups);
    status->oom_log = death_watch_log(&head->deaths);
    status->uptime_usec = now_usec - head->started_usec;
    status->ticks = head->tick;
    agent_server_count(head->agents, &status->agents, &status->agents_ready);
    status->rules = rule_book_count(head->book);
    status->rules_armed = rule_book_armed_count(head->book);
    actions_fill_status(head->actions, status);
    pause_status(head->pause, status);
    if (head->writer)
        status->store_queue = store_writer_pending(head->writer);
    if (head->tick % OVERVIEW_MISSING_TICKS == 1)
        overview_missing(head, status);
    overview_cost(head, status);
}
