/* SPDX-License-Identifier: MIT */
/*
 * Hands an answered command back to the thread that asked. Takes ownership: the caller must not
 * touch the command afterwards. Any thread.
 */
#ifndef MEMTEND_ENGINE_REPLY_H
#define MEMTEND_ENGINE_REPLY_H

#include "model/command.h"

void reply_send(struct command *command);

#endif
