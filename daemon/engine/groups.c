/* SPDX-License-Identifier: MIT */
#include "engine/groups.h"

#include "engine/groups_state.h"

#include <errno.h>
#include <stdlib.h>

static int groups_match_init(struct groups *groups, struct groups_match *match,
                             const struct config_group *config, const struct group_time *time)
{
    const struct group_key key = {.kind = GROUP_KIND_CONFIG, .base = config->name};
    *match = (struct groups_match){.config = config};
    if (config->cmdline[0]) {
        int r = pattern_compile(config->cmdline, &match->regex, NULL);
        if (r < 0)
            return r;
    }
    groups->match_count++;
    match->place = group_table_take(&groups->table, &key, time);
    return 0;
}

int groups_init(struct groups *groups, const struct config *config, const struct group_time *time)
{
    struct groups new = {.matches = calloc(CONFIG_GROUPS_LIMIT, sizeof(*new.matches))};
    int r = new.matches ? group_table_init(&new.table) : -ENOMEM;
    for (size_t i = 0; i < config->group_count && r == 0; i++)
        r = groups_match_init(&new, &new.matches[i], &config->groups[i], time);
    if (r < 0) {
        groups_finish(&new);
        return r;
    }
    *groups = new;
    return 0;
}

void groups_finish(struct groups *groups)
{
    for (size_t i = 0; i < groups->match_count; i++)
        if (groups->matches[i].config->cmdline[0])
            regfree(&groups->matches[i].regex);
    free(groups->matches);
    group_table_finish(&groups->table);
    *groups = (struct groups){0};
}

/* What it held at most while we looked; the kernel's own figure is read more rarely. */
static void groups_note_peak(const struct table *table, struct subject subject)
{
    int64_t rss = table_glance(table, subject.process)->rss_bytes;
    if (rss > subject.tracked->group.peak_rss_bytes)
        subject.tracked->group.peak_rss_bytes = rss;
}

void groups_on_identity(struct table *table, struct process *process, const char *bytes,
                        size_t length, const char *redacted)
{
    struct group_seat *seat = &table_tracked(table, process)->group;
    struct family_label label;
    family_recognise(bytes, length, redacted, &label);
    seat->label.kind = label.kind;
    seat->label.part = label.part;
    table_set_text(table, &seat->label.name, label.name);
    seat->label_exec_count = process->exec_count;
    table_glance(table, process)->group_due = true;
}

void groups_on_remove(struct groups *groups, struct table *table, struct process *process,
                      const struct group_time *time)
{
    struct groups_round round = {.groups = groups, .table = table, .time = time, .last = true};
    struct subject subject = {process, table_tracked(table, process)};
    if (process->kernel_thread)
        return;
    if (!subject.tracked->group.seen)
        groups_first_sight(table, subject, time);
    groups_note_peak(table, subject);
    if (!subject.tracked->group.decided)
        groups_decide(&round, subject);
    if (process->group == 0)
        return;
    struct group_member member = groups_member(subject);
    group_table_went(&groups->table, process->group, &member);
    process->group = table_glance(table, process)->group = 0;
}

static void groups_look(const struct groups_round *round, size_t index, bool again)
{
    struct glance *glance = &round->table->glances[index];
    struct subject subject = {&round->table->processes[index], &round->table->tracked[index]};
    if (!subject.tracked->group.seen)
        groups_first_sight(round->table, subject, round->time);
    groups_note_peak(round->table, subject);
    if (again || groups_is_due(subject.process, subject.tracked))
        groups_decide(round, subject);
    glance->group_due = !subject.tracked->group.decided;
}

/* Nothing is touched of who is as it was. */
static void groups_look_at_due(const struct groups_round *round)
{
    bool again = round->groups->again;
    round->groups->again = false;
    for (size_t i = 0; i < round->table->count; i++) {
        const struct glance *glance = &round->table->glances[i];
        if ((glance->group_due || again) && !glance->kernel_thread)
            groups_look(round, i, again);
    }
}

void groups_on_tick(struct groups *groups, struct table *table, const struct group_time *time)
{
    struct groups_round round = {.groups = groups, .table = table, .time = time};
    groups->time = *time;
    groups_look_at_due(&round);
    groups_count(groups, table);
    group_table_on_tick(&groups->table, time);
}
