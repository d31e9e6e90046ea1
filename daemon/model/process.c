/* SPDX-License-Identifier: MIT */
#include "model/process.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct agent_info *process_agent(const struct process *process)
{
    static const struct agent_info none = {.state = AGENT_STATE_NONE};
    return process->agent ? process->agent : &none;
}

bool process_id_equal(struct process_id a, struct process_id b)
{
    return a.pid == b.pid && a.start_ticks == b.start_ticks;
}

void process_id_format(struct process_id id, char ret_text[static PROCESS_ID_SIZE])
{
    snprintf(ret_text, PROCESS_ID_SIZE, "%d-%" PRIu64, (int)id.pid, id.start_ticks);
}

int process_id_parse(const char *text, struct process_id *ret_id)
{
    uint64_t pid, start_ticks;
    size_t used;
    if (text_scan_u64(text, strlen(text), &pid, &used) < 0 || text[used] != '-')
        return -EINVAL;
    if (pid == 0 || pid > INT32_MAX || text_parse_u64(text + used + 1, &start_ticks) < 0)
        return -EINVAL;
    *ret_id = (struct process_id){.pid = (pid_t)pid, .start_ticks = start_ticks};
    return 0;
}

const char *process_name(const struct process *process)
{
    return process->name ? process->name : "";
}

const char *process_unit(const struct process *process)
{
    return process->unit ? process->unit : "";
}

const char *process_cmdline(const struct process *process)
{
    return process->cmdline ? process->cmdline : "";
}

bool process_matches(const struct process *process, const char *query)
{
    return text_contains_ignore_case(process->comm, query) ||
           text_contains_ignore_case(process_cmdline(process), query) ||
           text_contains_ignore_case(process_unit(process), query) ||
           text_contains_ignore_case(process_name(process), query);
}

const char *agent_state_name(enum agent_state state)
{
    static const char *const names[] = {
        [AGENT_STATE_NONE] = "none",     [AGENT_STATE_CONNECTING] = "connecting",
        [AGENT_STATE_READY] = "ready",   [AGENT_STATE_BUSY] = "busy",
        [AGENT_STATE_SILENT] = "silent",
    };
    return names[state];
}

const char *absence_name(enum absence absence)
{
    static const char *const names[] = {
        [ABSENCE_NOT_YET] = "not_yet",     [ABSENCE_TOO_DEAR] = "too_dear",
        [ABSENCE_DENIED] = "denied",       [ABSENCE_UNREADABLE] = "unreadable",
        [ABSENCE_NO_MEMORY] = "no_memory",
    };
    return names[absence];
}

const char *process_role_name(enum process_role role)
{
    static const char *const names[] = {
        [PROCESS_ROLE_NONE] = "",
        [PROCESS_ROLE_MASTER] = "master",
        [PROCESS_ROLE_WORKER] = "worker",
        [PROCESS_ROLE_HELPER] = "helper",
    };
    return names[role];
}
