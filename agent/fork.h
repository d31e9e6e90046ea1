/* SPDX-License-Identifier: MIT */
/*
 * fork(), of all kinds. libc tells us of every one (pthread_atfork): the agent's thread is parked,
 * nobody of ours is in the interpreter, the child begins anew. vfork, posix_spawn and exec run none
 * of it and need none: descriptors close by themselves and no thread survives.
 *
 * From 3.7 os.fork() announces itself through os.register_at_fork (contact.c) as well, where the
 * interpreter may still be left for a moment. From 3.12 it warns its user when it then counts a
 * second thread in the process, so ours ends for the time; it does so while the kernel copies the
 * process, and a new one begins when the counting is over.
 */
#ifndef MEMTEND_AGENT_FORK_H
#define MEMTEND_AGENT_FORK_H

/* Constructor, once. 0 or -errno. */
int fork_register(void);

/* ---- os.fork(), GIL held, on the thread that forks ---- */
void fork_announced(void);
void fork_over_in_parent(void);
/* In the child, when the interpreter has repaired itself. */
void fork_over_in_child(void);

#endif
