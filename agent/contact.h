/* SPDX-License-Identifier: MIT */
/*
 * What the interpreter calls in us: before and after os.fork(), and when it shuts down.
 */
#ifndef MEMTEND_AGENT_CONTACT_H
#define MEMTEND_AGENT_CONTACT_H

/* GIL held, job's thread: register them (atexit, os.register_at_fork). 0 or -errno, error clear. */
int contact_register(void);

/*
 * GIL held, job's thread: the built-in module, imported if need be; a new reference or NULL, an
 * error may be set. Not by PyImport_ImportModule: that runs bytecode and waits for import locks,
 * which lets the GIL go, and until our exit hook is in place the interpreter may then go down under
 * us (heap corruption in 3 of 1000 runs of an empty script). And where malloc has nothing left,
 * CPython 3.11 never comes out of bytecode that handles its own errors. What is called here is C
 * all the way.
 */
void *contact_module(const char *name);

#endif
