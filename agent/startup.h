/* SPDX-License-Identifier: MIT */
/*
 * An interpreter that still finishes its own start. From 3.11 the python program says that it is
 * initialised, imports site, and only then copies its paths, for which it puts malloc in the place
 * of its raw allocator for some microseconds (pymain_run_python, _PyPathConfig_UpdateGlobal). Who
 * asks for the GIL meanwhile gets a thread state from the one allocator that goes back to the
 * other: under -X dev and PYTHONMALLOC=debug that ends the process (5 of 4,000 starts of 3.11.7
 * with 16 at once). Where the raw allocator is malloc anyway nothing can go wrong.
 */
#ifndef MEMTEND_AGENT_STARTUP_H
#define MEMTEND_AGENT_STARTUP_H

#include <stdbool.h>

/* Agent's thread, each turn before contact: keeps in mind what it sees. */
void startup_look(void);
/* Any thread: who is not the main thread must be sure that it is over before it asks. */
bool startup_matters(void);
/* Main thread, GIL held: the program runs, or it does not matter. */
bool startup_is_over(void);

#endif
