/* SPDX-License-Identifier: MIT */
#include "engine/groups_state.h"

#include "base/clock.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/*
 * The probe looks at a new process at once and again after 2 s. What has not called exec by then
 * is taken for a worker, and what is still unknown will not become known soon.
 */
#define GROUPS_SETTLED_USEC (3 * USEC_PER_SEC)
/* Longer chains of forks are cut. */
#define GROUPS_DEPTH 64
/*
 * Who forks so many in this time, each within a minute of the one before, has workers however short
 * they live. Fewer may be children that were looked at between fork and exec, which is rare.
 */
#define GROUPS_FORKS      3
#define GROUPS_FORKS_USEC (60 * USEC_PER_SEC)
/* Digits of a container's id that people and their tools use. */
#define GROUPS_CONTAINER_ID 12

static struct subject subject_of(const struct table *table, struct process *process)
{
    return (struct subject){process, table_tracked(table, process)};
}

/* multiprocessing starts some of its processes as programs of their own, by the same Python. */
static bool groups_started(struct subject child, struct subject parent)
{
    enum family_part part = child.tracked->group.label.part;
    if (part != FAMILY_PART_SPAWNED && part != FAMILY_PART_FORKSERVER &&
        part != FAMILY_PART_TRACKER)
        return false;
    return parent.tracked->group.label.name &&
           parent.tracked->group.label.kind != GROUP_KIND_PREFORK &&
           parent.process->id.start_ticks <= child.process->id.start_ticks;
}

/* Whose family it is: over forks without exec, and over what multiprocessing starts. */
static struct subject groups_root(const struct groups_round *round, struct subject subject,
                                  bool *ret_started)
{
    *ret_started = false;
    for (int depth = 0; depth < GROUPS_DEPTH; depth++) {
        struct process *process = table_find_pid(round->table, subject.process->ppid);
        if (!process || process == subject.process)
            break;
        struct subject parent = subject_of(round->table, process);
        bool started = groups_started(subject, parent);
        if (!started && !group_tied(subject.process, process))
            break;
        *ret_started |= started;
        subject = parent;
    }
    return subject;
}

static bool groups_is_settled(const struct groups_round *round, const struct process *process)
{
    return round->time->mono_usec - process->first_seen_usec >= GROUPS_SETTLED_USEC;
}

static bool groups_is_known(const struct groups_round *round, struct subject subject)
{
    /* exec was noticed, and what it is now has not been read yet. */
    if (subject.tracked->group.label_exec_count != subject.process->exec_count)
        return false;
    return round->last || subject.process->exec_mark != 0 || subject.tracked->deep_denied ||
           groups_is_settled(round, subject.process);
}

/* Whether it was forked from there can be told only when both are known. */
static bool groups_parent_is_known(const struct groups_round *round, struct subject subject)
{
    struct process *parent = table_find_pid(round->table, subject.process->ppid);
    return !parent || parent->kernel_thread || groups_is_settled(round, subject.process) ||
           groups_is_known(round, subject_of(round->table, parent));
}

/* It may have been looked at between fork and exec: then it never was a worker. */
static bool groups_is_new(const struct groups_round *round, const struct process *process)
{
    return round->time->mono_usec - process->first_seen_usec <
           GROUPS_SETTLED_USEC + 2 * USEC_PER_SEC;
}

/* The root hears once of each process that it forked; enough of them make it a master. */
static void groups_count_fork(const struct groups_round *round, struct subject child,
                              struct subject root, bool started)
{
    struct group_seat *seat = &child.tracked->group, *head = &root.tracked->group;
    if (!seat->counted) {
        bool lately = round->time->mono_usec - head->forked_usec < GROUPS_FORKS_USEC;
        seat->counted = true;
        head->forked = lately ? head->forked + 1 : 1;
        head->forked_usec = round->time->mono_usec;
    }
    if (head->label.part == FAMILY_PART_STRANGER)
        return;
    if (started || head->label.part == FAMILY_PART_SERVER || head->forked >= GROUPS_FORKS ||
        groups_is_settled(round, child.process))
        head->heads = true;
}

/* ---- which group fits ---- */

static bool groups_match_fits(const struct groups_match *match, struct subject subject)
{
    const struct config_group *config = match->config;
    const struct process *process = subject.process;
    const char *cmdline = subject.tracked->full_cmdline;
    if (config->unit[0] && (!process->unit || fnmatch(config->unit, process->unit, 0) != 0))
        return false;
    if (config->agent_name[0] &&
        (!process->name || fnmatch(config->agent_name, process->name, 0) != 0))
        return false;
    if (config->cmdline[0] && (!cmdline || regexec(&match->regex, cmdline, 0, NULL, 0) != 0))
        return false;
    return config->unit[0] || config->agent_name[0] || config->cmdline[0];
}

static uint32_t groups_by_config(const struct groups_round *round, struct subject subject)
{
    for (size_t i = 0; i < round->groups->match_count; i++)
        if (groups_match_fits(&round->groups->matches[i], subject))
            return round->groups->matches[i].place;
    return 0;
}

static uint32_t groups_take(const struct groups_round *round, enum group_kind kind,
                            const char *text, uid_t uid)
{
    char base[GROUP_NAME_SIZE];
    group_name_clean(text, base);
    const struct group_key key = {.kind = kind, .base = base, .uid = uid};
    return base[0] ? group_table_take(&round->groups->table, &key, round->time) : 0;
}

static uint32_t groups_by_name(const struct groups_round *round, struct subject subject)
{
    return groups_take(round, GROUP_KIND_NAME, process_name(subject.process), subject.process->uid);
}

/* Its present group, when that is a family and it has not become another program since. */
static uint32_t groups_kept_family(const struct groups_round *round, struct subject subject)
{
    const struct group_record *group =
        group_table_at(&round->groups->table, subject.process->group);
    bool kept = group && group_is_family(group->kind) &&
                subject.tracked->group.exec_count == subject.process->exec_count;
    return kept ? subject.process->group : 0;
}

/* A server that is replaced by exec in a child (gunicorn's USR2) stays the same group. */
static uint32_t groups_of_predecessor(const struct groups_round *round, struct subject root)
{
    const struct group_seat_label *label = &root.tracked->group.label;
    const struct process *parent = table_find_pid(round->table, root.process->ppid);
    const struct group_record *group =
        parent ? group_table_at(&round->groups->table, parent->group) : NULL;
    if (!group || label->part != FAMILY_PART_SERVER || group->kind != label->kind)
        return 0;
    const struct group_state *state = &round->groups->table.states[parent->group - 1];
    return strcmp(state->base, label->name) == 0 ? parent->group : 0;
}

static uint32_t groups_by_family(const struct groups_round *round, struct subject root)
{
    const struct group_seat *seat = &root.tracked->group;
    const struct group_seat_label *label = &seat->label;
    uint32_t place = groups_kept_family(round, root);
    if (place > 0 || (!seat->heads && label->part != FAMILY_PART_SERVER))
        return place;
    place = groups_of_predecessor(round, root);
    if (place > 0)
        return place;
    return groups_take(round, label->name[0] ? label->kind : GROUP_KIND_PREFORK,
                       label->name[0] ? label->name : root.process->comm, root.process->uid);
}

/* What the root of a family is in, but for what only says where it lives. */
static uint32_t groups_of_root(const struct groups_round *round, struct subject root)
{
    const struct group_record *group = group_table_at(&round->groups->table, root.process->group);
    return group && group->kind <= GROUP_KIND_PREFORK ? root.process->group : 0;
}

static uint32_t groups_by_unit(const struct groups_round *round, struct subject subject)
{
    return groups_take(round, GROUP_KIND_UNIT, process_unit(subject.process), subject.process->uid);
}

/* By the runtime and the begin of its id, which stay; a better name may become known later. */
static uint32_t groups_by_container(const struct groups_round *round, struct subject subject)
{
    const struct cgroups *cgroups = round->groups->cgroups;
    const struct cgroup *cgroup = cgroups ? cgroups_of(cgroups, subject.process) : NULL;
    char name[GROUP_NAME_SIZE];
    if (!cgroup || !cgroup->owner.container_id[0])
        return 0;
    const char *runtime = container_runtime_name(cgroup->owner.runtime);
    snprintf(name, sizeof(name), "%s:%.*s", *runtime ? runtime : "container", GROUPS_CONTAINER_ID,
             cgroup->owner.container_id);
    return groups_take(round, GROUP_KIND_CONTAINER, name, subject.process->uid);
}

/* Where it lives, when nothing says what it is. */
static uint32_t groups_by_place(const struct groups_round *round, struct subject subject)
{
    uint32_t place = groups_by_container(round, subject);
    return place > 0 ? place : groups_by_unit(round, subject);
}

/* ---- moving ---- */

struct group_member groups_member(struct subject subject)
{
    int64_t peak = subject.tracked->group.peak_rss_bytes, high;
    if (sample_get(&subject.process->sample, METRIC_PEAK_RSS, &high) && high > peak)
        peak = high;
    return (struct group_member){.uid = subject.process->uid,
                                 .witnessed = subject.tracked->group.witnessed,
                                 .peak_rss_bytes = peak};
}

static void groups_move(const struct groups_round *round, struct subject subject, uint32_t place)
{
    struct group_table *table = &round->groups->table;
    struct group_seat *seat = &subject.tracked->group;
    struct group_member member = groups_member(subject);
    uint32_t from = subject.process->group;
    if (from == place)
        return;
    if (place > 0)
        group_table_came(table, place, &member, round->time);
    if (from > 0 && seat->exec_count != subject.process->exec_count &&
        !groups_is_new(round, subject.process))
        group_table_went(table, from, &member);
    else if (from > 0)
        group_table_moved(table, from, &member);
    subject.process->group = place;
    table_glance(round->table, subject.process)->group = place;
    round->groups->again |= seat->heads;
}

static enum process_role groups_role(struct subject subject, struct subject root)
{
    enum family_part part = subject.tracked->group.label.part;
    bool forked = !process_id_equal(subject.process->family, subject.process->id);
    if (subject.process == root.process)
        return root.tracked->group.heads ? PROCESS_ROLE_MASTER : PROCESS_ROLE_NONE;
    if (part == FAMILY_PART_TRACKER || (part == FAMILY_PART_FORKSERVER && !forked))
        return PROCESS_ROLE_HELPER;
    return PROCESS_ROLE_WORKER;
}

/* Another program has nothing from its time before exec. */
static void groups_forget_exec(const struct groups_round *round, struct subject subject)
{
    struct group_seat *seat = &subject.tracked->group;
    struct table *table = round->table;
    if (seat->exec_count == subject.process->exec_count)
        return;
    seat->heads = false;
    seat->forked = 0;
    seat->counted = false;
    /* What its children are to it may be another thing too. */
    for (size_t i = 0; i < table->count; i++)
        if (table->processes[i].ppid == subject.process->id.pid) {
            table->tracked[i].group.decided = false;
            table->glances[i].group_due = true;
        }
}

/* Something is known that was not when it was decided. */
bool groups_is_due(const struct process *process, const struct tracked *tracked)
{
    const struct group_seat *seat = &tracked->group;
    return !seat->decided || tracked->identity_changed || seat->exec_count != process->exec_count ||
           seat->cgroup != process->cgroup || (seat->heads && process->role == PROCESS_ROLE_NONE);
}

/* Of the one that began a family, or of a process without one. */
static uint32_t groups_choose_alone(const struct groups_round *round, struct subject subject)
{
    uint32_t place = groups_by_config(round, subject);
    if (place == 0)
        place = groups_by_name(round, subject);
    if (place == 0)
        place = groups_by_family(round, subject);
    return place > 0 ? place : groups_by_place(round, subject);
}

/* Of one that a family began with somebody else. false: not known yet. */
static bool groups_choose_below(const struct groups_round *round, struct subject subject,
                                struct subject root, uint32_t *ret_place)
{
    bool stranger = root.tracked->group.label.part == FAMILY_PART_STRANGER;
    uint32_t place = groups_by_config(round, subject);
    if (place == 0)
        place = groups_of_root(round, root);
    if (place == 0)
        place = groups_by_name(round, subject);
    if (place == 0 && !stranger && !round->last && !groups_is_settled(round, subject.process))
        return false;
    *ret_place = place > 0 ? place : groups_by_place(round, subject);
    return true;
}

static void groups_settle(const struct groups_round *round, struct subject subject,
                          struct subject root, uint32_t place)
{
    struct group_seat *seat = &subject.tracked->group;
    groups_move(round, subject, place);
    subject.process->role = groups_role(subject, root);
    seat->exec_count = subject.process->exec_count;
    seat->cgroup = subject.process->cgroup;
    seat->decided = true;
}

static void groups_decide_root(const struct groups_round *round, struct subject root)
{
    if (!groups_is_due(root.process, root.tracked))
        return;
    groups_forget_exec(round, root);
    groups_settle(round, root, root, groups_choose_alone(round, root));
}

void groups_decide(const struct groups_round *round, struct subject subject)
{
    bool started;
    uint32_t place;
    if (!groups_is_known(round, subject) || !groups_parent_is_known(round, subject))
        return;
    groups_forget_exec(round, subject);
    struct subject root = groups_root(round, subject, &started);
    if (subject.process == root.process) {
        groups_settle(round, subject, root, groups_choose_alone(round, subject));
        return;
    }
    groups_count_fork(round, subject, root, started);
    groups_decide_root(round, root);
    if (groups_choose_below(round, subject, root, &place))
        groups_settle(round, subject, root, place);
}
