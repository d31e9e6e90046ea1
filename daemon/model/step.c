/* SPDX-License-Identifier: MIT */
#include "model/step.h"

#include <errno.h>
#include <string.h>

static const struct step_info step_infos[STEP_KIND_COUNT] = {
    [STEP_HOOKS] = {.name = "hooks",
                    .does = "calls the hooks that the program has registered to drop its caches",
                    .costs = "what the program's own hooks do; caches are cold afterwards",
                    .cannot = "free what the program does not let go of, or return memory to the "
                              "system by itself",
                    .pauses = true},
    [STEP_COLLECT] = {.name = "collect",
                      .does = "runs gc.collect(): drops unreachable reference cycles",
                      .costs = "pauses the program; copies shared pages after a fork",
                      .cannot = "free live data, or return memory to the system by itself",
                      .pauses = true},
    [STEP_TRIM] = {.name = "trim",
                   .does = "gives malloc's free pages back to the system (malloc_trim)",
                   .costs = "milliseconds, without the GIL",
                   .cannot = "free a page that still holds one live block"},
    [STEP_FREEZE] = {.name = "freeze",
                     .does = "runs gc.freeze() in a master before it forks: its heap stays shared",
                     .costs = "microseconds; what is garbage by then stays for good",
                     .cannot = "free anything, or help once the process has forked",
                     .pauses = true},
};

const struct step_info *step_info(enum step_kind kind)
{
    return &step_infos[kind];
}

int step_find(const char *name, enum step_kind *ret_kind)
{
    for (enum step_kind kind = 0; kind < STEP_KIND_COUNT; kind++) {
        if (strcmp(step_infos[kind].name, name) == 0) {
            *ret_kind = kind;
            return 0;
        }
    }
    return -ENOENT;
}
