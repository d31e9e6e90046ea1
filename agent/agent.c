/* SPDX-License-Identifier: MIT */
/*
 * The constructor of libmemtend-agent.so. It runs in every program that inherits LD_PRELOAD, before
 * main(), so the way out for those that are not asked for is the first thing it does.
 */
#include "memtend/agent.h"

#include "allocator.h"
#include "fork.h"
#include "pools.h"
#include "python.h"
#include "session.h"
#include "settings.h"
#include "symbols.h"
#include "thread.h"

#include <errno.h>

#define AGENT_EXPORT __attribute__((visibility("default")))

static int agent_is_active;

AGENT_EXPORT const char *memtend_agent_version(void)
{
    return MEMTEND_VERSION;
}

AGENT_EXPORT int memtend_agent_active(void)
{
    return agent_is_active;
}

static void agent_start(void)
{
    static struct settings settings;
    if (!settings_wanted() || !settings_read(python_is_present(), &settings))
        return;
    if (!symbols_resolve_libc())
        return;
    allocator_identify();
    python_identify();
    pools_identify();
    session_init(&settings);
    agent_is_active = fork_register() == 0 && thread_start() == 0;
}

__attribute__((constructor)) static void agent_construct(void)
{
    int saved = errno;
    agent_start();
    errno = saved;
}
