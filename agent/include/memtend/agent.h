/* SPDX-License-Identifier: MIT */
/*
 * What libmemtend-agent.so exports. A program does not need this header: the library works by being
 * preloaded. It is here for programs that want to say more than the outside can see: their name,
 * where a part of their work begins and ends, and what they can drop when memory is short. And for
 * those that start the agent themselves.
 *
 * Two ways to use it:
 *   - link with the library (pkg-config memtend-agent);
 *   - define MEMTEND_AGENT_OPTIONAL before including it. Then nothing is linked: each call looks
 *     whether the library was preloaded (dlsym; -ldl before glibc 2.34) and does nothing where it
 *     was not: functions that return int answer -ENOSYS, the others 0 or "".
 *
 * Every function may be called from any thread, before and after a fork, and whether or not a
 * daemon is there; none blocks on the daemon. int results are 0 or -errno. Texts handed in are
 * copied; what is longer than 64 bytes is cut. A forked child keeps its name and its hooks; regions
 * that were open at the fork are the parent's.
 */
#ifndef MEMTEND_AGENT_H
#define MEMTEND_AGENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEMTEND_HOOKS_MAX 16
#define MEMTEND_TEXT_SIZE 96

/* Filled by memtend_status(). Later versions add fields at the end. */
struct memtend_status {
    uint32_t active;       /* 1: the agent's thread was started in this process */
    uint32_t connected;    /* 1: a daemon is there */
    uint32_t python_ready; /* 1: the interpreter's forks and its end are seen */
    uint32_t hooks;        /* registered; all callables of Python count as one */
    uint64_t hooks_called; /* since the start or the fork */
    uint64_t hooks_failed; /* of those: returned an error, raised an exception */
    uint64_t marks_told;   /* regions and points sent to the daemon */
    uint64_t marks_left_out;
    char reason[MEMTEND_TEXT_SIZE];    /* why it is not active, "" when it is */
    char runtime[MEMTEND_TEXT_SIZE];   /* "cpython 3.13.0", "" = none or not looked for */
    char allocator[MEMTEND_TEXT_SIZE]; /* "glibc 2.36", "" = not known */
};

/* Called on a thread of memtend, never two at a time, when somebody asks for memory back: drop
 * caches, then return 0, or anything else for "failed". It may take its time, which the receipt
 * shows, and call anything here; until it returns no other step runs in this process. It must not
 * wait for a thread that waits for memtend_off_pressure(). */
typedef int (*memtend_hook)(void *context);

#ifndef MEMTEND_AGENT_OPTIONAL

/* "0.1.0"; constant. */
const char *memtend_agent_version(void);
/* 1 when the agent's thread was started in this process, 0 when the library stayed inert. */
int memtend_agent_active(void);

/*
 * Start the agent in this process unless it runs; in a program that was not started by `memtend
 * run` or a unit that loads it. name: as `--name` (NULL: MEMTEND_NAME). socket: the daemon's (NULL:
 * MEMTEND_SOCK, else that of a daemon of this user, else the system's); the daemon need not be
 * there yet. Call it before the first fork, or children have none.
 * 0; -ECANCELED with MEMTEND=0; -EPERM with more rights than the caller (setuid); -ENOSYS without
 * glibc; -EOPNOTSUPP in a Python that is not supported; -ENAMETOOLONG; -EAGAIN no thread.
 */
int memtend_start(const char *name, const char *socket);
/* Another name from now on. -EINVAL without one. */
int memtend_name(const char *name);

/*
 * The hook is called when an action or a rule does the step `hooks`. context stays the caller's and
 * must live until memtend_off_pressure(). -EEXIST: the same two are registered; -ENOSPC: 16 are.
 * Hooks are called in the order of their slots, which is no promise.
 */
int memtend_on_pressure(memtend_hook hook, void *context);
/* Afterwards it does not run and will not be called: waits for one that is running, but for the
 * hook that calls this itself. -ENOENT. Call it before tearing down what the hook uses, also before
 * exit(). */
int memtend_off_pressure(memtend_hook hook, void *context);

/*
 * A part of the program's work, shown in the timeline when it has ended, with its length (one that
 * takes 10 s or more also when it is under way). Cheap: some 100 ns. At most 64 are remembered
 * until the daemon was told, once a second, and at most 2 a second are told for long; what is more
 * is left out and counted. 0: not remembered; memtend_region_end(0) does nothing. The two may be
 * called on different threads.
 */
uint64_t memtend_region_begin(const char *name);
void memtend_region_end(uint64_t region);
/* Something that happened now. */
void memtend_mark(const char *name);

/* Give the allocator's free pages back, here and now, on this thread; needs no daemon and no
 * memtend_start(). Milliseconds; other threads wait for the arena that is at work. -EOPNOTSUPP:
 * this allocator cannot, or is not known. 0 does not say that there was something to give back. */
int memtend_trim(void);

/* size: sizeof(struct memtend_status) as the caller knows it; so much is filled. */
int memtend_status(struct memtend_status *ret_status, size_t size);

/* For the Python package: the GIL is held, callable (a new reference is taken; NULL: none any more)
 * answers a tuple of two numbers, how many hooks were called and how many of them raised. */
int memtend_python_hooks(void *callable);

#else /* MEMTEND_AGENT_OPTIONAL */

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define MEMTEND_CALL_(type_, absent_, return_, name_, parameters_, arguments_)                     \
    static inline type_ name_ parameters_                                                          \
    {                                                                                              \
        type_(*found) parameters_;                                                                 \
        void *symbol = dlsym(RTLD_DEFAULT, #name_);                                                \
        if (!symbol)                                                                               \
            return absent_;                                                                        \
        memcpy(&found, &symbol, sizeof(found));                                                    \
        return_ found arguments_;                                                                  \
    }

MEMTEND_CALL_(const char *, "", return, memtend_agent_version, (void), ())
MEMTEND_CALL_(int, 0, return, memtend_agent_active, (void), ())
MEMTEND_CALL_(int, -ENOSYS, return, memtend_start, (const char *name, const char *socket),
              (name, socket))
MEMTEND_CALL_(int, -ENOSYS, return, memtend_name, (const char *name), (name))
MEMTEND_CALL_(int, -ENOSYS, return, memtend_on_pressure, (memtend_hook hook, void *context),
              (hook, context))
MEMTEND_CALL_(int, -ENOSYS, return, memtend_off_pressure, (memtend_hook hook, void *context),
              (hook, context))
MEMTEND_CALL_(uint64_t, 0, return, memtend_region_begin, (const char *name), (name))
MEMTEND_CALL_(void, , , memtend_region_end, (uint64_t region), (region))
MEMTEND_CALL_(void, , , memtend_mark, (const char *name), (name))
MEMTEND_CALL_(int, -ENOSYS, return, memtend_trim, (void), ())
MEMTEND_CALL_(int, -ENOSYS, return, memtend_status,
              (struct memtend_status * ret_status, size_t size), (ret_status, size))

#endif

#ifdef __cplusplus
}
#endif

#endif
