/* SPDX-License-Identifier: MIT */
/*
 * fork() seen from libc. Python's own hooks (contact.c) stop the thread before os.fork(); what is
 * here holds for every program: count in the parent, forget in the child. vfork, posix_spawn and
 * exec run none of it and need none: descriptors close by themselves and no thread survives.
 */
#ifndef MEMTEND_AGENT_FORK_H
#define MEMTEND_AGENT_FORK_H

/* Constructor, once. 0 or -errno. */
int fork_register(void);

#endif
