/* SPDX-License-Identifier: MIT */
/*
 * What `memtend why` knows of one process, in the daemon's JSON shape wherever it comes from, and
 * how it is printed.
 */
#ifndef MEMTEND_CLI_WHY_H
#define MEMTEND_CLI_WHY_H

#include "client.h"
#include "exit_code.h"

#include "model/process.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct why {
    json_t *process, *ledger, *verdict; /* as GET of these resources; owned */
};

void why_finish(struct why *why); /* safe on a zeroed one */

/* By the daemon, or by /proc when client is NULL. start_ticks 0: whoever has the pid. */
enum exit_code why_find(struct client *client, struct process_id id, struct why *ret_why);

/* From /proc, by this command with its caller's rights. start_ticks 0: whoever has the pid. */
enum exit_code why_local(struct process_id id, struct why *ret_why);

/* "why host": was memory short at all? Works alone. */
enum exit_code why_host(bool json);

/* Text is clean; colours as show_init() has it. */
void why_print(FILE *out, const struct why *why);

#endif
