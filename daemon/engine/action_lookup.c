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

/* The store does not know whose process a receipt was about: only who may see all may ask it. */
static bool may_ask_store(const struct actions *actions, const struct command *command)
{
    return actions->config.reader && command->asker.all;
}

static void forward(struct actions *actions, struct command *command)
{
    if (may_ask_store(actions, command)) {
        if (store_reader_push(actions->config.reader, command) == 0)
            return;
        command_refuse(command, COMMAND_UNAVAILABLE, "too many questions wait for the store");
    } else if (command->kind == COMMAND_ACTION_LIST) {
        command->result = COMMAND_OK;
    } else {
        command_refuse(command, COMMAND_NOT_FOUND, "there is no receipt %.60s", command->name);
    }
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
    bool more = may_ask_store(actions, command);
    /* The store's page behind it has room for one at least. */
    size_t room = command->limit - (more ? 1 : 0);
    most = room < most ? room : most;
    for (const struct action_run *run = actions->runs; run && count < most; run = run->next)
        if (!run->recorded && may_see(command, run->uid))
            receipts[count++] = *action_run_receipt(run);
    count += receipt_book_list(actions->recent, durable, !more,
                               command->asker.all ? NULL : &command->asker.uid, receipts + count,
                               most - count);
    if (count == 0)
        free(receipts);
    else
        command->receipts = receipts;
    command->receipt_count = count;
    forward(actions, command);
}
