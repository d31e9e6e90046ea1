/* SPDX-License-Identifier: MIT */
/*
 * A built-in module for ourselves, in a program that may be importing, or walking through
 * sys.modules, or going down at this moment.
 */
#ifndef MEMTEND_AGENT_BUILTIN_H
#define MEMTEND_AGENT_BUILTIN_H

#include <stdbool.h>

/*
 * GIL held, job's thread: the built-in module, imported if need be; a new reference or NULL, an
 * error may be set. Not by PyImport_ImportModule: that runs bytecode and waits for import locks,
 * which lets the GIL go, and until our exit hook is in place the interpreter may then go down under
 * us (heap corruption in 3 of 1000 runs of an empty script). And where malloc has nothing left,
 * CPython 3.11 never comes out of bytecode that handles its own errors. What is called here is C
 * all the way. 2.7: NULL unless the program has imported it, or first contact has.
 */
void *builtin_module(const char *name);

/* It waits for the right moment, which comes: trying again is no failure. Any thread. */
bool builtin_waits(void);
/* Agent's thread, no job: another interpreter is expected. */
void builtin_reset(void);

#endif
