/* SPDX-License-Identifier: MIT */
/*
 * The reader thread: owns the store's read-only connection and answers history commands one at a
 * time under their deadline (5 s at most): COMMAND_SERIES, COMMAND_TOP,
 * COMMAND_EVENT_LIST, COMMAND_EVENT_WINDOW, COMMAND_AUDIT_LIST, COMMAND_ACTION_LIST,
 * COMMAND_ACTION_GET. Each answered command goes back through reply_send().
 */
#ifndef MEMTEND_ENGINE_STORE_READER_H
#define MEMTEND_ENGINE_STORE_READER_H

#include "model/command.h"

struct store_reader;

#define STORE_READER_QUEUE 64

struct shelf;

/* tick_usec: the configured period. The file need not exist yet. `shelf`: the writer's, which must
 * not stop before; NULL: what is in the file only. */
int store_reader_start(const char *directory, uint64_t tick_usec, struct shelf *shelf,
                       struct store_reader **ret_reader);
/* Answers what waits with COMMAND_UNAVAILABLE, breaks off the query under way, ends the thread. */
void store_reader_stop(struct store_reader *reader);

/* Any thread. Takes the command; -ENOBUFS: the queue is full and it stays the caller's. */
int store_reader_push(struct store_reader *reader, struct command *command);

/* CPU time of its thread so far. */
uint64_t store_reader_cpu_usec(const struct store_reader *reader);

#endif
