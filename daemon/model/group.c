/* SPDX-License-Identifier: MIT */
#include "model/group.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Longer chains of fork without exec than this are cut: the deeper part is its own family. */
#define GROUP_DEPTH_LIMIT 64

bool group_tied(const struct process *child, const struct process *parent)
{
    if (child->exec_mark == 0 || child->exec_mark != parent->exec_mark)
        return false;
    /* Without randomisation every program has the same mark: then the file has to tell. */
    if (child->exe_inode != parent->exe_inode || child->exe_device != parent->exe_device)
        return false;
    return parent->id.start_ticks <= child->id.start_ticks;
}

static uint32_t group_root(const struct process *processes, uint32_t index,
                           ssize_t (*by_pid)(const void *context, pid_t pid), const void *context)
{
    for (int depth = 0; depth < GROUP_DEPTH_LIMIT; depth++) {
        ssize_t parent = by_pid(context, processes[index].ppid);
        if (parent < 0 || !group_tied(&processes[index], &processes[parent]))
            break;
        index = (uint32_t)parent;
    }
    return index;
}

void group_families(struct process *processes, size_t count,
                    ssize_t (*by_pid)(const void *context, pid_t pid), const void *context)
{
    for (size_t i = 0; i < count; i++)
        processes[i].family_size = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t root = group_root(processes, (uint32_t)i, by_pid, context);
        processes[i].family = processes[root].id;
        processes[root].family_size++;
    }
    for (size_t i = 0; i < count; i++) {
        ssize_t root = by_pid(context, processes[i].family.pid);
        if (root >= 0)
            processes[i].family_size = processes[root].family_size;
    }
}

bool group_is_family(enum group_kind kind)
{
    return kind >= GROUP_KIND_GUNICORN && kind <= GROUP_KIND_PREFORK;
}

const char *group_kind_name(enum group_kind kind)
{
    static const char *const names[GROUP_KIND_COUNT] = {
        [GROUP_KIND_NONE] = "",
        [GROUP_KIND_CONFIG] = "config",
        [GROUP_KIND_NAME] = "name",
        [GROUP_KIND_GUNICORN] = "gunicorn",
        [GROUP_KIND_UWSGI] = "uwsgi",
        [GROUP_KIND_CELERY] = "celery",
        [GROUP_KIND_MULTIPROCESSING] = "multiprocessing",
        [GROUP_KIND_PREFORK] = "prefork",
        [GROUP_KIND_UNIT] = "unit",
        [GROUP_KIND_CONTAINER] = "container",
    };
    return names[kind];
}

void group_name_clean(const char *text, char ret_name[static GROUP_NAME_SIZE])
{
    size_t length = strlen(text);
    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    length = text_clean(ret_name, GROUP_NAME_SIZE, text, length);
    while (length > 0 && ret_name[length - 1] == ' ')
        length--;
    ret_name[length] = '\0';
    /* A name is a part of a path, and one of several targets joined by commas. */
    for (char *at = ret_name; *at; at++)
        if (*at == '/' || *at == ',')
            *at = '_';
}

bool group_matches(const struct group_record *group, const char *query)
{
    return text_contains_ignore_case(group->name, query) ||
           text_contains_ignore_case(group_kind_name(group->kind), query);
}

void group_begin(struct group_record *group)
{
    group->members = group->workers = group->helpers = 0;
    group->pss_members = group->uss_members = group->swap_members = group->cow_members = 0;
    group->rss_bytes = group->pss_bytes = group->uss_bytes = group->swap_bytes = 0;
    group->cow_loss_bytes = 0;
    group->pss_read_usec = group->youngest_seen_usec = 0;
    group->oldest = group->youngest = (struct process_id){0};
    group->cgroup = 0;
    group_set_limit(group, NULL);
}

void group_set_limit(struct group_record *group, const struct cgroup *cgroup)
{
    group->limit_known = cgroup && cgroup_get(cgroup, CGROUP_VALUE_LIMIT, &group->limit_bytes);
    group->headroom_known =
        cgroup && cgroup_get(cgroup, CGROUP_VALUE_HEADROOM, &group->headroom_bytes);
}

static void group_add_age(struct group_record *group, const struct process *process)
{
    uint64_t start = process->id.start_ticks;
    if (group->members == 0 || start < group->oldest.start_ticks)
        group->oldest = process->id;
    if (group->members == 0 || start > group->youngest.start_ticks)
        group->youngest = process->id;
    if (process->first_seen_usec > group->youngest_seen_usec)
        group->youngest_seen_usec = process->first_seen_usec;
}

/* Neither PSS nor USS is more than RSS: an older reading may be, when the process has shrunk. */
static bool group_part_of_rss(const struct sample *sample, enum metric metric, int64_t rss,
                              int64_t *ret_bytes)
{
    if (!sample_get(sample, metric, ret_bytes))
        return false;
    if (*ret_bytes > rss)
        *ret_bytes = rss;
    return true;
}

void group_add(struct group_record *group, const struct process *process)
{
    const struct sample *sample = &process->sample;
    uint64_t read_usec = sample_time(sample, METRIC_PSS);
    int64_t rss = 0, bytes;
    sample_get(sample, METRIC_RSS, &rss);
    group_add_age(group, process);
    if (group->members == 0)
        group->cgroup = process->cgroup;
    else if (group->cgroup != process->cgroup)
        group->cgroup = 0;
    group->members++;
    group->workers += process->role == PROCESS_ROLE_WORKER;
    group->helpers += process->role == PROCESS_ROLE_HELPER;
    group->rss_bytes += rss;
    if (group_part_of_rss(sample, METRIC_PSS, rss, &bytes)) {
        if (group->pss_members++ == 0 || read_usec < group->pss_read_usec)
            group->pss_read_usec = read_usec;
        group->pss_bytes += bytes;
    }
    if (group_part_of_rss(sample, METRIC_USS, rss, &bytes)) {
        group->uss_members++;
        group->uss_bytes += bytes;
    }
    if (sample_get(sample, METRIC_SWAP, &bytes)) {
        group->swap_members++;
        group->swap_bytes += bytes;
    }
    if (process->cow_loss_bytes >= 0) {
        group->cow_members++;
        group->cow_loss_bytes += process->cow_loss_bytes;
    }
}

void group_end(struct group_record *group)
{
    group->pss_consistent = group->members > 0 && group->pss_members == group->members &&
                            group->pss_read_usec >= group->youngest_seen_usec;
}

int64_t group_cow_loss(const struct group_cow *cow)
{
    int64_t growth = cow->rss_bytes - cow->base_rss_bytes;
    int64_t loss = cow->uss_bytes - cow->base_uss_bytes - (growth > 0 ? growth : 0);
    int64_t most = cow->base_rss_bytes;
    return loss < 0 ? 0 : loss > most ? most : loss;
}

bool group_figure_get(const struct group_record *group, enum group_figure figure,
                      int64_t *ret_value)
{
    const struct {
        bool known;
        int64_t value;
    } figures[GROUP_FIGURE_COUNT] = {
#define X(id, name, known, value) [GROUP_FIGURE_##id] = {(known), (int64_t)group->value},
        GROUP_FIGURE_TABLE(X)
#undef X
    };
    if (figures[figure].known)
        *ret_value = figures[figure].value;
    return figures[figure].known;
}

const char *group_figure_name(enum group_figure figure)
{
    static const char *const names[GROUP_FIGURE_COUNT] = {
#define X(id, name, known, value) [GROUP_FIGURE_##id] = (name),
        GROUP_FIGURE_TABLE(X)
#undef X
    };
    return names[figure];
}

int group_figure_find(const char *name, enum group_figure *ret_figure)
{
    size_t length = strlen(name);
    for (enum group_figure figure = 0; figure < GROUP_FIGURE_COUNT; figure++) {
        const char *full = group_figure_name(figure);
        if (strncmp(full, name, length) == 0 &&
            (full[length] == '\0' || strcmp(full + length, "_bytes") == 0)) {
            *ret_figure = figure;
            return 0;
        }
    }
    return -ENOENT;
}
