/* SPDX-License-Identifier: MIT */
/*
 * The parts of `memtend query`: series (query.c), the largest processes (query_top.c), what was
 * around an event or a receipt (query_around.c).
 */
#ifndef MEMTEND_CLI_QUERY_H
#define MEMTEND_CLI_QUERY_H

#include "client.h"

#include <stdbool.h>

#define QUERY_POINTS_DEFAULT 60

/* The "series" of an answer of /api/v1/series. */
void query_print_table(json_t *list);
void query_print_csv(json_t *list, bool range);
/* As the options ask: table, CSV or JSON. */
void query_print(const struct invocation *invocation, json_t *body);

/* Adds from and to of --since and --until. -EINVAL after a message. */
int query_range(const struct invocation *invocation, struct request *request);
/* Is every name of "rss,uss" a metric? -EINVAL after a message. */
int query_check_metrics(const char *names);

enum exit_code query_top_main(const struct invocation *invocation);
enum exit_code query_around_main(const struct invocation *invocation);

#endif
