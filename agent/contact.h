/* SPDX-License-Identifier: MIT */
/*
 * What the interpreter calls in us: before and after os.fork(), and when it shuts down.
 */
#ifndef MEMTEND_AGENT_CONTACT_H
#define MEMTEND_AGENT_CONTACT_H

/* GIL held, job's thread: register them (atexit, os.register_at_fork). 0 or -errno, error clear. */
int contact_register(void);

#endif
