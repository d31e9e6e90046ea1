/* SPDX-License-Identifier: MIT */
#include "engine/action_guard.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUARD_MINUTE_USEC (60 * USEC_PER_SEC)
#define GUARD_NAMED       5 /* processes named in a text before "and N more" */

struct protected_comm {
    const char *comm;
    bool prefix;
    const char *why;
};

/* A process may give itself such a name: then it is left alone, which harms nobody. */
static const struct protected_comm protected_comms[] = {
    {"systemd", true, "systemd and its parts are never acted upon"},
    {"(sd-", true, "systemd and its parts are never acted upon"},
    {"init", false, "the init process is never acted upon"},
    {"dbus-daemon", false, "the message bus is never acted upon"},
    {"dbus-broker", true, "the message bus is never acted upon"},
    {"sshd", true, "the way in by ssh is never acted upon"},
    {"memtendd", false, "memtend does not act upon itself"},
};

const char *guard_protects(const struct process *process)
{
    pid_t self = getpid();
    if (process->id.pid == 1)
        return "process 1 is never acted upon";
    if (process->kernel_thread)
        return "a kernel thread has no memory of its own";
    if (process->id.pid == self || process->ppid == self)
        return "memtend does not act upon itself";
    for (size_t i = 0; i < sizeof(protected_comms) / sizeof(protected_comms[0]); i++) {
        const struct protected_comm *row = &protected_comms[i];
        if (row->prefix ? text_starts_with(process->comm, row->comm)
                        : strcmp(process->comm, row->comm) == 0)
            return row->why;
    }
    return NULL;
}

/* ---- rate ---- */

int guard_rate_init(struct guard_rate *rate, size_t limit)
{
    *rate = (struct guard_rate){.limit = limit};
    rate->times_usec = calloc(limit, sizeof(*rate->times_usec));
    return rate->times_usec ? 0 : -ENOMEM;
}

void guard_rate_finish(struct guard_rate *rate)
{
    free(rate->times_usec);
    *rate = (struct guard_rate){0};
}

bool guard_rate_take(struct guard_rate *rate, size_t steps, uint64_t now_usec)
{
    if (steps > rate->limit)
        return false;
    /* The newest of the entries that would be overwritten must be old enough. */
    for (size_t i = 0; i < steps; i++) {
        uint64_t usec = rate->times_usec[(rate->next + i) % rate->limit];
        if (usec && now_usec - usec < GUARD_MINUTE_USEC)
            return false;
    }
    for (size_t i = 0; i < steps; i++) {
        rate->times_usec[rate->next] = now_usec;
        rate->next = (rate->next + 1) % rate->limit;
    }
    return true;
}

/* ---- targets ---- */

/* By whom a name is looked up: `place` is that of the group which has it, 0 when none has. */
struct named {
    const struct target *target;
    uint32_t place;
};

static bool is_meant(const struct process *process, const struct named *named)
{
    const struct target *target = named->target;
    if (process->kernel_thread)
        return false;
    if (target->kind == TARGET_UNIT)
        return strcmp(process_unit(process), target->name) == 0;
    if (named->place > 0)
        return process->group == named->place;
    return strcmp(process_name(process), target->name) == 0 ||
           strcmp(process->comm, target->name) == 0;
}

static int too_many(const struct table *table, const struct named *named_target, size_t count,
                    struct error *error)
{
    char names[160] = "";
    size_t length = 0, named = 0;
    for (size_t i = 0; i < table->count && named < GUARD_NAMED; i++) {
        if (!is_meant(&table->processes[i], named_target))
            continue;
        char id[PROCESS_ID_SIZE];
        process_id_format(table->processes[i].id, id);
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
                                   named++ > 0 ? ", " : "", id);
    }
    const char *more = count > named ? ", …" : "";
    return error_set(error, -EINVAL, "%zu processes are meant, name one of them: %s%s", count,
                     names, more);
}

static int resolve_name(const struct table *table, const struct named *named,
                        const struct process **ret_process, struct error *error)
{
    const struct process *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (!is_meant(&table->processes[i], named))
            continue;
        found = &table->processes[i];
        count++;
    }
    if (count > 1)
        return too_many(table, named, count, error);
    if (!found)
        return error_set(error, -ENOENT, "there is no process in %.90s", named->target->name);
    *ret_process = found;
    return 0;
}

int guard_resolve(const struct table *table, const struct group_table *groups,
                  const struct target *target, const struct process **ret_process,
                  struct error *error)
{
    const struct process *process = NULL;
    struct named named = {.target = target};
    switch (target->kind) {
    case TARGET_HOST:
        return error_set(error, -EINVAL, "these steps are for one process, not for the host");
    case TARGET_UNIT:
        return resolve_name(table, &named, ret_process, error);
    case TARGET_GROUP:
        named.place = groups ? group_table_find(groups, target->name) : 0;
        return resolve_name(table, &named, ret_process, error);
    case TARGET_PROCESS:
        process = table_find(table, target->id);
        break;
    case TARGET_PID:
        process = table_find_pid(table, target->id.pid);
        break;
    }
    if (!process)
        return error_set(error, -ENOENT, "process %d is not there (any more)", (int)target->id.pid);
    *ret_process = process;
    return 0;
}
