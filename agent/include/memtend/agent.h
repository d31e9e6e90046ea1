/* SPDX-License-Identifier: MIT */
/*
 * What libmemtend-agent.so exports. A program does not need this header: the library works by being
 * preloaded. It is here for programs that want to know, by dlsym(), whether it is inside.
 */
#ifndef MEMTEND_AGENT_H
#define MEMTEND_AGENT_H

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0"; constant. */
const char *memtend_agent_version(void);
/* 1 when the agent's thread was started in this process, 0 when the library stayed inert. */
int memtend_agent_active(void);

#ifdef __cplusplus
}
#endif

#endif
