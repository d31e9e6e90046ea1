/* SPDX-License-Identifier: MIT */
/*
 * Censuses that people wait for: at most one a process and a few on the host. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_CENSUSES_H
#define MEMTEND_ENGINE_CENSUSES_H

#include "engine/agent_server.h"
#include "model/command.h"

/* Each holds an interpreter for some milliseconds: more at a time help nobody. */
#define CENSUSES_LIMIT 8

struct censuses {
    size_t count;
    struct command *commands[CENSUSES_LIMIT]; /* owned; by their target's id */
};

/* Takes the command (COMMAND_CENSUS with a process id) and answers it sooner or later. */
void censuses_order(struct censuses *censuses, struct agent_server *agents,
                    struct command *command);
/* Takes the census. */
void censuses_on_answer(struct censuses *censuses, struct process_id id, struct census *census);

#endif
