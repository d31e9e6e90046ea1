/* SPDX-License-Identifier: MIT */
/*
 * What libmemtend-agent.so exports: memtend/agent.h, call by call. Any thread of the program.
 */
#include "memtend/agent.h"

#include "agent.h"
#include "allocator.h"
#include "base/text.h"
#include "contact.h"
#include "hooks.h"
#include "mark.h"
#include "python.h"
#include "session.h"

#include <errno.h>
#include <string.h>

#define AGENT_EXPORT __attribute__((visibility("default")))

AGENT_EXPORT const char *memtend_agent_version(void)
{
    return MEMTEND_VERSION;
}

AGENT_EXPORT int memtend_agent_active(void)
{
    return agent_is_active();
}

AGENT_EXPORT int memtend_start(const char *name, const char *socket)
{
    int saved = errno;
    int r = agent_start(name, socket);
    errno = saved;
    return r;
}

AGENT_EXPORT int memtend_name(const char *name)
{
    if (!name || !name[0])
        return -EINVAL;
    session_rename(name);
    return 0;
}

/* ---- hooks ---- */

static int export_announce(int r)
{
    if (r == 0 && agent_is_active())
        session_announce();
    return r;
}

AGENT_EXPORT int memtend_on_pressure(memtend_hook hook, void *context)
{
    return export_announce(hooks_add(hook, context));
}

AGENT_EXPORT int memtend_off_pressure(memtend_hook hook, void *context)
{
    return export_announce(hooks_remove(hook, context));
}

AGENT_EXPORT int memtend_python_hooks(void *callable)
{
    agent_look();
    return export_announce(hooks_set_python(callable));
}

/* ---- marks ---- */

AGENT_EXPORT uint64_t memtend_region_begin(const char *name)
{
    return agent_is_active() ? mark_begin(name) : 0;
}

AGENT_EXPORT void memtend_region_end(uint64_t region)
{
    mark_end(region);
}

AGENT_EXPORT void memtend_mark(const char *name)
{
    if (agent_is_active())
        mark_point(name);
}

/* ---- the rest ---- */

AGENT_EXPORT int memtend_trim(void)
{
    int saved = errno;
    uint64_t usec;
    bool done = agent_look() && allocator_trim(&usec) == CONTROL_RESULT_OK;
    errno = saved;
    return done ? 0 : -EOPNOTSUPP;
}

AGENT_EXPORT int memtend_status(struct memtend_status *ret_status, size_t size)
{
    struct memtend_status status = {
        .active = agent_is_active(),
        .connected = session_is_connected(),
        .python_ready = contact_is_made(),
        .hooks = (uint32_t)hooks_count(),
    };
    if (!ret_status)
        return -EINVAL;
    hooks_numbers(&status.hooks_called, &status.hooks_failed);
    mark_count(&status.marks_told, &status.marks_left_out);
    text_copy(status.reason, sizeof(status.reason), agent_reason());
    text_copy(status.runtime, sizeof(status.runtime), python_runtime());
    text_copy(status.allocator, sizeof(status.allocator), allocator_name());
    memset(ret_status, 0, size);
    memcpy(ret_status, &status, size < sizeof(status) ? size : sizeof(status));
    return 0;
}
