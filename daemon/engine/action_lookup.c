/* SPDX-License-Identifier: MIT */
/*
 * Receipts for people: those in RAM here, older ones by the reader.
 */
#include "engine/actions_state.h"

#include "engine/reply.h"
#include "engine/store_reader.h"

#include <stdlib.h>
#include <string.h>

static bool may_see(const struct command *command, uid_t uid)
{
    return command->asker.all || command->asker.uid == uid;
}

static void forward(struct actions *actions, struct command *command)
{
    if (actions->config.reader && store_reader_push(actions->config.reader, command) == 0)
        return;
    if (command->kind == COMMAND_ACTION_LIST)
        command->result = COMMAND_OK;
    else
        command_refuse(command, COMMAND_NOT_FOUND, "there is no receipt %.60s", command->name);
    reply_send(command);
}

void actions_get(struct actions *actions, struct command *command)
{
    uint64_t durable = journal_durable_sequence(actions->config.journal);
    for (const struct action_run *run = actions->runs; run; run = run->next) {
        const struct receipt *receipt = action_run_receipt(run);
        if (!run->recorded && strcmp(receipt->id, command->name) == 0 &&
            may_see(command, run->uid)) {
            actions_reply(command, COMMAND_OK, receipt);
            return;
        }
    }
    struct receipt receipt;
    uid_t uid;
    if (receipt_book_find(actions->recent, command->name, durable, &receipt, &uid) == 0 &&
        may_see(command, uid))
        actions_reply(command, COMMAND_OK, &receipt);
    else
        forward(actions, command);
}

void actions_list(struct actions *actions, struct command *command)
{
    size_t count = 0, most = ACTIONS_RUNNING_LIMIT + ACTIONS_RECENT;
    uint64_t durable = journal_durable_sequence(actions->config.journal);
    struct receipt *receipts = NULL;
    if (!command->cursor[0])
        receipts = malloc(most * sizeof(*receipts));
    if (!receipts) {
        forward(actions, command);
        return;
    }
    most = command->limit < most ? command->limit : most;
    for (const struct action_run *run = actions->runs; run && count < most; run = run->next)
        if (!run->recorded && may_see(command, run->uid))
            receipts[count++] = *action_run_receipt(run);
    count += receipt_book_list(actions->recent, durable, actions->config.reader == NULL,
                               command->asker.all ? NULL : &command->asker.uid, receipts + count,
                               most - count);
    command->receipts = receipts;
    command->receipt_count = count;
    forward(actions, command);
}
