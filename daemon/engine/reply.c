/* SPDX-License-Identifier: MIT */
#include "engine/reply.h"

void reply_send(struct command *command)
{
    /* http bounds the commands it has under way below the size of its mailbox, so a full one means
     * that it is gone: nobody waits for the answer any more. */
    if (!command->reply_to || mailbox_push(command->reply_to, command) < 0)
        command_free(command);
}
