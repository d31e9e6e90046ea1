/* SPDX-License-Identifier: MIT */
#include "engine/censuses.h"

#include "engine/reply.h"

#include <errno.h>
#include <stdlib.h>

static void refuse(struct command *command, int error)
{
    static const struct {
        int error;
        enum command_result result;
        const char *text;
    } refusals[] = {
        {-ENOENT, COMMAND_NO_AGENT, "no in-process agent in it"},
        {-EOPNOTSUPP, COMMAND_CONFLICT,
         "its agent takes no census: no Python that it knows, or MEMTEND_CENSUS=0"},
        {-EBUSY, COMMAND_CONFLICT, "its agent is at something else; try again"},
        {-ENOSPC, COMMAND_UNAVAILABLE, "too many censuses at a time; try again"},
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].error == error) {
            command_refuse(command, refusals[i].result, "%s", refusals[i].text);
            reply_send(command);
            return;
        }
    }
    command_refuse(command, COMMAND_UNAVAILABLE, "the agent could not be asked");
    reply_send(command);
}

void censuses_order(struct censuses *censuses, struct agent_server *agents, struct command *command)
{
    int r = -ENOSPC;
    if (censuses->count < CENSUSES_LIMIT)
        r = agent_server_census(agents, command->target.id, &command->census_question);
    if (r < 0)
        refuse(command, r);
    else
        censuses->commands[censuses->count++] = command;
}

void censuses_on_answer(struct censuses *censuses, struct process_id id, struct census *census)
{
    for (size_t i = 0; i < censuses->count; i++) {
        struct command *command = censuses->commands[i];
        if (!process_id_equal(command->target.id, id))
            continue;
        censuses->commands[i] = censuses->commands[--censuses->count];
        command->census = census;
        command->result = COMMAND_OK;
        reply_send(command);
        return;
    }
    free(census);
}
