/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "collect/proc_stat.h"
#include "engine/head.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The initial pid namespace has this inode (PROC_PID_INIT_INO of the kernel); the log counts pids
 * as it does. */
#define DEATH_WATCH_FIRST_NAMESPACE 0xeffffffcU
/* Counters of cgroups are read every 5 s, each at its turn. */
#define DEATH_WATCH_SETTLE_USEC (7 * USEC_PER_SEC)
/* The table is looked through for processes to watch in so many ticks. */
#define DEATH_WATCH_TURNS 16

static bool is_watched(const struct head *head, const struct process *process)
{
    const struct tracked *tracked = table_tracked(&head->table, process);
    const struct group_record *group = group_table_at(&head->groups.table, process->group);
    return tracked->had_agent || rule_book_fired(tracked) ||
           (group && group->kind == GROUP_KIND_CONFIG);
}

static void death_fill(const struct head *head, const struct process *process,
                       struct death *ret_death)
{
    const struct tracked *tracked = table_tracked(&head->table, process);
    const struct cgroup *cgroup = cgroups_of(head->cgroups, process);
    *ret_death = (struct death){.id = process->id,
                                .family = process->family,
                                .group = process->group,
                                .row = tracked->stored ? tracked->row : 0,
                                .watched = is_watched(head, process),
                                .said_exit = tracked->said_exit,
                                .rss_bytes = -1};
    sample_get(&process->sample, METRIC_RSS, &ret_death->rss_bytes);
    text_copy(ret_death->comm, sizeof(ret_death->comm), process->comm);
    text_copy(ret_death->unit, sizeof(ret_death->unit), process_unit(process));
    if (cgroup)
        text_copy(ret_death->cgroup, sizeof(ret_death->cgroup), cgroup->path);
}

/* ---- what engine/deaths asks for ---- */

static bool death_find(void *context, pid_t pid, struct death *ret_process)
{
    const struct head *head = context;
    const struct process *process = table_find_pid(&head->table, pid);
    if (process)
        death_fill(head, process, ret_process);
    return process != NULL;
}

static bool death_is_there(void *context, struct process_id id)
{
    const struct head *head = context;
    struct proc_stat stat;
    return proc_stat_read(head->proc_fd, id.pid, &stat) == OUTCOME_OK &&
           process_id_equal(stat.id, id);
}

static bool shares_budget(const struct process *process, const struct death *victim)
{
    if (process_id_equal(process->id, victim->id))
        return false;
    return (victim->group != 0 && process->group == victim->group) ||
           process_id_equal(process->family, victim->family) ||
           (victim->unit[0] && strcmp(process_unit(process), victim->unit) == 0);
}

static void pin_add(struct pin *pin, const struct process *process, int64_t row)
{
    struct pin_process *entry = &pin->processes[pin->count++];
    *entry = (struct pin_process){.row = row, .id = process->id};
    text_copy(entry->comm, sizeof(entry->comm), process->comm);
}

/* The largest, in as many rounds: this happens rarely, and nothing has to be kept for it. */
static void death_add_members(void *context, const struct death *victim, struct pin *pin)
{
    const struct head *head = context;
    int64_t below = INT64_MAX;
    while (pin->count < PIN_PROCESSES_LIMIT) {
        const struct process *best = NULL;
        int64_t best_rss = -1;
        for (size_t i = 0; i < head->table.count; i++) {
            const struct process *process = &head->table.processes[i];
            int64_t rss;
            if (!head->table.tracked[i].stored || !shares_budget(process, victim) ||
                !sample_get(&process->sample, METRIC_RSS, &rss) || rss >= below || rss <= best_rss)
                continue;
            best = process;
            best_rss = rss;
        }
        if (!best)
            return;
        pin_add(pin, best, table_tracked(&head->table, best)->row);
        below = best_rss;
    }
}

static void death_say(void *context, struct event *event, const struct pin *pin)
{
    struct head *head = context;
    journal_pinned_event(head->journal, event, pin);
}

/* ---- sources ---- */

static bool same_pids(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == DEATH_WATCH_FIRST_NAMESPACE;
}

/* Neither to be read: `missing` of the status says so. */
static void open_journal(struct death_watch *watch)
{
    int r = kernel_journal_new(watch->journal_directory, &watch->journal);
    if (r < 0)
        log_warning("cannot read the journal: %s", strerror(-r));
}

static void open_log(struct death_watch *watch, const char *dev)
{
    _cleanup_(closep) int fd = open(dev, O_PATH | O_DIRECTORY | O_CLOEXEC);
    watch->kmsg.fd = -1;
    if (fd < 0 || kmsg_open(fd, &watch->kmsg) != OUTCOME_OK)
        open_journal(watch);
}

enum oom_log death_watch_log(const struct death_watch *watch)
{
    static const enum oom_log logs[] = {[KERNEL_JOURNAL_ABSENT] = OOM_LOG_NONE,
                                        [KERNEL_JOURNAL_DENIED] = OOM_LOG_DENIED,
                                        [KERNEL_JOURNAL_READ] = OOM_LOG_JOURNAL};
    return watch->kmsg.fd >= 0 ? OOM_LOG_KMSG : logs[kernel_journal_state(watch->journal)];
}

/* Victims are told by name: what only a counter tells of waits for that. */
static bool names_victims(const struct death_watch *watch)
{
    enum oom_log log = death_watch_log(watch);
    return log == OOM_LOG_KMSG || log == OOM_LOG_JOURNAL;
}

static void on_cgroup_kills(void *context, const struct cgroup *cgroup, bool below, int64_t rise,
                            uint64_t since_usec)
{
    struct head *head = context;
    const struct deaths_counter counter = {
        .cgroup = cgroup->path, .below = below, .rise = rise, .since_usec = since_usec};
    deaths_on_counter(head->deaths.deaths, &counter, names_victims(&head->deaths), head->tick_usec);
}

int death_watch_start(struct head *head, const char *dev)
{
    struct death_watch *watch = &head->deaths;
    struct deaths_config config = {.ops = {.context = head,
                                           .find = death_find,
                                           .is_there = death_is_there,
                                           .add_members = death_add_members,
                                           .say = death_say},
                                   .same_pids = same_pids(),
                                   .settle_usec = DEATH_WATCH_SETTLE_USEC};
    open_log(watch, dev);
    exits_init(&watch->exits, head->proc_fd);
    int r = deaths_new(&config, clock_mono_usec(), &watch->deaths);
    if (r == 0)
        cgroups_tell_kills(head->cgroups, on_cgroup_kills, head);
    return r;
}

void death_watch_stop(struct head *head)
{
    struct death_watch *watch = &head->deaths;
    if (!watch->deaths)
        return;
    cgroups_tell_kills(head->cgroups, NULL, NULL);
    kmsg_close(&watch->kmsg);
    kernel_journal_free(watch->journal);
    watch->journal = NULL;
    exits_finish(&watch->exits);
    deaths_free(watch->deaths);
    watch->deaths = NULL;
}

static void on_log_kill(void *context, const struct kmsg_record *kill)
{
    struct head *head = context;
    deaths_on_kill(head->deaths.deaths, kill, head->tick_usec);
}

void death_watch_before(struct head *head)
{
    struct kmsg *kmsg = &head->deaths.kmsg;
    if (kmsg->fd >= 0 && kmsg_read(kmsg, on_log_kill, head) < 0) {
        kmsg_close(kmsg);
        open_journal(&head->deaths); /* counters go on without either */
    }
    kernel_journal_take(head->deaths.journal, on_log_kill, head);
}

void death_watch_want(struct head *head, struct process_id id)
{
    exits_add(&head->deaths.exits, id);
}

/* A slice of the table: rules fire and groups form at any time. */
static void watch_more(struct head *head)
{
    struct death_watch *watch = &head->deaths;
    size_t count = head->table.count / DEATH_WATCH_TURNS + 1;
    if (watch->exits.unsupported)
        return;
    for (size_t i = 0; i < count && i < head->table.count; i++) {
        size_t at = watch->cursor < head->table.count ? watch->cursor : 0;
        const struct process *process = &head->table.processes[at];
        watch->cursor = at + 1;
        if (is_watched(head, process))
            death_watch_want(head, process->id);
    }
}

void death_watch_remove(struct head *head, const struct process *process)
{
    struct death death;
    if (process->kernel_thread)
        return;
    death_fill(head, process, &death);
    death.status_known = exits_take(&head->deaths.exits, death.id, &death.status) == 0;
    deaths_on_end(head->deaths.deaths, &death, head->tick_usec);
}

static void count_host(struct head *head)
{
    struct death_watch *watch = &head->deaths;
    int64_t kills;
    if (!sample_get(&head->host, METRIC_OOM_KILLS, &kills))
        return;
    const struct deaths_counter counter = {.cgroup = "",
                                           .below = true,
                                           .rise = kills - watch->host_kills,
                                           .since_usec = watch->host_usec};
    if (watch->host_known)
        deaths_on_counter(watch->deaths, &counter, names_victims(watch), head->tick_usec);
    watch->host_known = true;
    watch->host_kills = kills;
    watch->host_usec = head->tick_usec;
}

void death_watch_on_tick(struct head *head)
{
    count_host(head);
    death_watch_before(head);
    deaths_on_tick(head->deaths.deaths, head->tick_usec);
    watch_more(head);
}
