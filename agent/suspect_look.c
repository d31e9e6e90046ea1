/* SPDX-License-Identifier: MIT */
#include "suspect_look.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

/* A look at the clock for so many objects: some 20 us. */
#define CLOCK_EVERY 64

void suspect_say(struct suspect_look *look, uint64_t count, const char *path, const char *format,
                 ...)
{
    struct control_finding *finding = &look->finding;
    va_list list;
    finding->count = count;
    if (path)
        text_copy(finding->path, sizeof(finding->path), path);
    va_start(list, format);
    vsnprintf(finding->text, sizeof(finding->text), format, list);
    va_end(list);
}

enum pyobject_kind suspect_kind(void *object)
{
    return (enum pyobject_kind)pyobject_classify(pyobject_type_of(object)).kind;
}

uint64_t suspect_length(void *object, const char *name)
{
    void *container = pyobject_attribute(object, name);
    return container ? pyobject_length(container, suspect_kind(container)) : 0;
}

bool suspect_is_late(uint64_t seen, uint64_t deadline_usec)
{
    return seen % CLOCK_EVERY == 0 && clock_thread_usec() >= deadline_usec;
}
