/* SPDX-License-Identifier: MIT */
/*
 * How the agent comes to life: by the constructor of libmemtend-agent.so, or later by
 * memtend_start(). The constructor runs in every program that inherits LD_PRELOAD, before main(),
 * so the way out for those that are not asked for is the first thing it does.
 */
#include "agent.h"

#include "allocator.h"
#include "approach.h"
#include "census.h"
#include "fork.h"
#include "pools.h"
#include "python.h"
#include "session.h"
#include "settings.h"
#include "symbols.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

static struct {
    _Atomic pid_t holder; /* of the lock over what follows; a pid, because a fork copies it */
    _Atomic bool active;
    bool prepared; /* all below is known */
    bool usable;
    bool forks_seen;
    const char *_Atomic reason;
} agent = {.reason = "nobody asked for it"};

static void agent_lock(void)
{
    struct timespec nap = {.tv_nsec = 50 * 1000L};
    pid_t holder = 0;
    while (!atomic_compare_exchange_strong(&agent.holder, &holder, getpid())) {
        /* Held by a thread that a fork has left behind: expect it, and so take it over. */
        if (holder == getpid()) {
            nanosleep(&nap, NULL);
            holder = 0;
        }
    }
}

static void agent_unlock(void)
{
    atomic_store(&agent.holder, 0);
}

/* What can be known about this process without starting anything. Under the lock. */
static bool agent_prepare(void)
{
    if (agent.prepared)
        return agent.usable;
    agent.prepared = true;
    agent.usable = symbols_resolve_libc();
    if (agent.usable) {
        allocator_identify();
        python_identify();
        census_load();
        pools_identify();
    }
    return agent.usable;
}

static int agent_refuse(int error, const char *reason)
{
    agent.reason = reason;
    return error;
}

/* Under the lock. */
static int agent_run(const struct settings *wanted)
{
    static struct settings settings;
    if (!agent_prepare())
        return agent_refuse(-ENOSYS, "the C library of the program is not glibc");
    settings = *wanted;
    session_init(&settings);
    if (!agent.forks_seen && fork_register() == 0)
        agent.forks_seen = true;
    uint64_t pause_usec = approach_begin();
    if (!agent.forks_seen || thread_start(pause_usec) < 0)
        return agent_refuse(-EAGAIN, "its thread could not be started");
    agent.reason = "";
    atomic_store(&agent.active, true);
    return 0;
}

/* ---- what the rest of the library asks ---- */

bool agent_is_active(void)
{
    return atomic_load(&agent.active);
}

const char *agent_reason(void)
{
    return agent.reason;
}

bool agent_look(void)
{
    if (agent_is_active())
        return true; /* and its own thread may be at it */
    agent_lock();
    bool usable = agent_is_active() || (agent_prepare() && allocator_identify());
    agent_unlock();
    return usable;
}

static int agent_start_now(const char *name, const char *socket)
{
    struct settings settings;
    if (settings_off())
        return agent_refuse(-ECANCELED, "MEMTEND=0");
    if (settings_secure())
        return agent_refuse(-EPERM, "the program has more rights than who started it");
    if (!settings_late(name, socket, &settings))
        return agent_refuse(-ENAMETOOLONG, "the path of the socket is too long");
    if (!agent_prepare())
        return agent_refuse(-ENOSYS, "the C library of the program is not glibc");
    if (python_is_present() && !python_is_supported())
        return agent_refuse(-EOPNOTSUPP, "this Python is not supported");
    return agent_run(&settings);
}

int agent_start(const char *name, const char *socket)
{
    int r = 0;
    agent_lock();
    bool active = agent_is_active();
    if (!active)
        r = agent_start_now(name, socket);
    agent_unlock();
    if (active && name && name[0])
        session_rename(name);
    return r;
}

/* ---- the constructor ---- */

static void agent_begin(void)
{
    struct settings settings;
    if (!settings_wanted() || !settings_read(python_is_present(), &settings))
        return;
    agent_run(&settings);
}

__attribute__((constructor)) static void agent_construct(void)
{
    int saved = errno;
    agent_begin();
    errno = saved;
}
