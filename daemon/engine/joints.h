/* SPDX-License-Identifier: MIT */
/*
 * Where parts of the head that may not know each other meet: what http asks of the loop's state,
 * where agents' answers go, whom a rule's order reaches, what the store's acks set free. Made for
 * engine.c. Loop thread, but for the functions of struct http_ops.
 */
#ifndef MEMTEND_ENGINE_JOINTS_H
#define MEMTEND_ENGINE_JOINTS_H

#include "engine/head.h"

struct http_ops joints_http_ops(struct head *head);
struct agent_server_handler joints_agent_handler(struct head *head);
struct rule_book_ops joints_rule_ops(struct head *head);

/* context is the struct head, here and below. rule "": an order of a person. */
bool joints_paused(void *context, const char *rule);
int joints_on_acks(sd_event_source *source, int fd, uint32_t events, void *context);

#endif
