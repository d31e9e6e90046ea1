/* SPDX-License-Identifier: MIT */
#include "model/target.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

static int target_parse_pid(const char *text, struct target *ret_target)
{
    uint64_t pid;
    if (text_parse_u64(text, &pid) < 0 || pid == 0 || pid > INT32_MAX)
        return -EINVAL;
    *ret_target = (struct target){.kind = TARGET_PID, .id.pid = (pid_t)pid};
    return 0;
}

static int target_parse_name(enum target_kind kind, const char *text, struct target *ret_target)
{
    if (!*text || strlen(text) >= TARGET_SIZE || !text_is_clean(text))
        return -EINVAL;
    struct target target = {.kind = kind};
    text_copy(target.name, sizeof(target.name), text);
    *ret_target = target;
    return 0;
}

static int target_parse_id(const char *text, struct target *ret_target)
{
    struct process_id id;
    int r = process_id_parse(text, &id);
    if (r == 0)
        *ret_target = (struct target){.kind = TARGET_PROCESS, .id = id};
    return r;
}

int target_parse(const char *text, struct target *ret_target, struct error *error)
{
    int r;
    if (strcmp(text, "host") == 0) {
        *ret_target = (struct target){.kind = TARGET_HOST};
        return 0;
    }
    if (text_starts_with(text, "pid:"))
        r = target_parse_pid(text + strlen("pid:"), ret_target);
    else if (text_starts_with(text, "unit:"))
        r = target_parse_name(TARGET_UNIT, text + strlen("unit:"), ret_target);
    else if (text_starts_with(text, "group:"))
        r = target_parse_name(TARGET_GROUP, text + strlen("group:"), ret_target);
    else if (strchr(text, '-'))
        r = target_parse_id(text, ret_target);
    else
        r = target_parse_pid(text, ret_target);
    if (r < 0)
        return error_set(
            error, r, "not a target: use host, PID, pid:PID, PID-START, unit:NAME or group:NAME");
    return 0;
}
