/* SPDX-License-Identifier: MIT */
/*
 * Whether the agent runs in this process, why not, and starting it. Any thread.
 */
#ifndef MEMTEND_AGENT_AGENT_H
#define MEMTEND_AGENT_AGENT_H

#include <stdbool.h>

/* As memtend_start(). */
int agent_start(const char *name, const char *socket);
bool agent_is_active(void);
/* Constant text, "" when it is active. */
const char *agent_reason(void);
/* Without starting it: find out what a trim needs. False: nothing can be done here. */
bool agent_look(void);

#endif
