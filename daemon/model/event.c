/* SPDX-License-Identifier: MIT */
#include "model/event.h"

#include <errno.h>
#include <string.h>

static const char *const event_kind_names[EVENT_KIND_COUNT] = {
#define X(id, name) [EVENT_KIND_##id] = (name),
    EVENT_KIND_TABLE(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    return event_kind_names[kind];
}

int event_kind_find(const char *name, enum event_kind *ret_kind)
{
    for (enum event_kind kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        if (strcmp(event_kind_names[kind], name) == 0) {
            *ret_kind = kind;
            return 0;
        }
    }
    return -ENOENT;
}
