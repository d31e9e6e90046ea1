/* SPDX-License-Identifier: MIT */
/*
 * Can what an agent says be true? Each function answers NULL, or what is wrong in words. The wire
 * has checked form and range already; here is what only the head can know: how much time there
 * was, and what a machine can hold. Pure.
 */
#ifndef MEMTEND_AGENTS_CLAIMS_H
#define MEMTEND_AGENTS_CLAIMS_H

#include "wire/control.h"

/* elapsed_usec: since the request was sent. */
const char *claims_judge_stats(const struct control_stats *stats, uint64_t elapsed_usec);
const char *claims_judge_step(const struct control_step *step, const char *asked,
                              uint64_t elapsed_usec);
/* now_usec: on the clock of both, which is zero when the machine starts. */
const char *claims_judge_mark(const struct control_mark *mark, uint64_t now_usec);

const char *claims_judge_finding(const struct control_finding *finding);
const char *claims_judge_censused(const struct control_censused *censused, uint64_t elapsed_usec);

#endif
