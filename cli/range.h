/* SPDX-License-Identifier: MIT */
/*
 * Which time a command is about: --since and --until, each a duration (so long ago) or a time.
 */
#ifndef MEMTEND_CLI_RANGE_H
#define MEMTEND_CLI_RANGE_H

#include "options.h"
#include "request.h"

#define RANGE_NO_END UINT64_MAX

struct range {
    uint64_t from_wall_usec, to_wall_usec; /* to is not in it */
};

/* Without --since from `ago_usec` ago on (RANGE_NO_END: from the first), without --until with no
 * end. -EINVAL after a message. */
int range_read(const struct invocation *invocation, uint64_t ago_usec, struct range *ret_range);
/* As from= and, when it has an end, to= of a request. */
void range_query(const struct range *range, struct request *request);

#endif
