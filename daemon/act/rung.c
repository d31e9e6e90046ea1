/* SPDX-License-Identifier: MIT */
#include "act/rung.h"

#include <errno.h>

struct rung_failure {
    int error; /* 0: any other */
    struct rung rung;
};

static const struct rung_failure rung_failures[] = {
    {-ENOENT, {RECEIPT_OUTCOME_AGENT_SILENT, false, true, "its agent is not connected any more"}},
    {-EBUSY, {RECEIPT_OUTCOME_AGENT_BUSY, false, false, "its agent is busy with another request"}},
    {-EPERM, {RECEIPT_OUTCOME_REFUSED, false, true, "it belongs to another user by now"}},
    {-EOPNOTSUPP, {RECEIPT_OUTCOME_REFUSED, false, false, "its agent cannot do this step"}},
    {0, {RECEIPT_OUTCOME_AGENT_SILENT, false, true, "its agent does not read what it is sent"}},
};

const struct rung *rung_not_sent(int error)
{
    const struct rung_failure *failure = rung_failures;
    while (failure->error != error && failure->error != 0)
        failure++;
    return &failure->rung;
}

static const struct rung rung_ends[] = {
    [LADDER_STEP_DONE] = {RECEIPT_OUTCOME_NONE, true, false, NULL},
    [LADDER_STEP_BUSY] = {RECEIPT_OUTCOME_AGENT_BUSY, false, false, NULL},
    [LADDER_STEP_REFUSED] = {RECEIPT_OUTCOME_REFUSED, false, false, NULL},
    [LADDER_STEP_FAILED] = {RECEIPT_OUTCOME_NONE, true, false, NULL},
    [LADDER_STEP_SILENT] = {RECEIPT_OUTCOME_AGENT_SILENT, true, true, NULL},
    [LADDER_STEP_LOST] = {RECEIPT_OUTCOME_AGENT_SILENT, true, true, NULL},
    [LADDER_STEP_DISTRUST] = {RECEIPT_OUTCOME_AGENT_SILENT, true, true, NULL},
};

const struct rung *rung_ended(enum ladder_end end)
{
    return &rung_ends[end];
}
