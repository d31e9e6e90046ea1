/* SPDX-License-Identifier: MIT */
/*
 * What goes into LD_PRELOAD: where the agent is, where an allocator is, and how both join what is
 * there already. What is missing is said to the person with the way to mend it.
 */
#ifndef MEMTEND_CLI_PRELOAD_H
#define MEMTEND_CLI_PRELOAD_H

#include <limits.h>
#include <stdbool.h>

#define PRELOAD_AGENT "libmemtend-agent.so"

/* The libraries of one program. An empty path: none of that kind. */
struct preload {
    char agent[PATH_MAX];
    char allocator[PATH_MAX];
    bool replace_allocator; /* one was asked for, glibc's included: those of before go */
};

/* MEMTEND_AGENT, else beside this program. 0, or -errno after a message. */
int preload_find_agent(char ret_path[static PATH_MAX]);
/*
 * Fills allocator and replace_allocator for the value of --malloc; NULL = not given. 0, or -errno
 * after a message that names the Debian package.
 */
int preload_find_allocator(const char *name, struct preload *preload);
/* "glibc jemalloc ...", for completions and messages. */
const char *preload_allocator_names(void);

/*
 * LD_PRELOAD's new value on the heap: what is there keeps its place in front, because a sanitizer's
 * library must come first; the allocator follows, and the agent, which replaces no function of
 * anybody, is last. Nothing is in it twice. Never NULL.
 */
char *preload_join(const char *old, const struct preload *preload);

#endif
