/* SPDX-License-Identifier: MIT */
/*
 * The parts of `memtend query`: series (query.c), what they look like
 * (query_print.c), the largest processes (query_top.c), what was
 * around an event or a receipt (query_around.c).
 */
#ifndef MEMTEND_CLI_QUERY_H
#define MEMTEND_CLI_QUERY_H

#include "base/clock.h"
#include "client.h"

#define QUERY_POINTS_DEFAULT     60
#define QUERY_SINCE_DEFAULT_USEC (3600 * USEC_PER_SEC)

/* An answer of /api/v1/series as the options ask: table, CSV or JSON. */
void query_print(const struct invocation *invocation, json_t *body);

enum exit_code query_top_main(const struct invocation *invocation);
enum exit_code query_around_main(const struct invocation *invocation);

#endif
